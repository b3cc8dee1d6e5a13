package io.llatte.llama;

import io.llatte.internal.ffi.NativeGguf;
import io.llatte.internal.ffi.NativeGgufWriter;
import io.llatte.internal.ffi.NativeLibrary;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;

/// Models of random weights: what they say is noise, but they load, decode and take their time like real ones of their shape, which is all
/// that a benchmark needs. Weights are written tensor by tensor, so that a model of any size takes a few MB to make.
public final class SyntheticModel {

    private static final int BLOCK = 32;
    private static final int BUFFER_BLOCKS = 1 << 16;

    /// About 1 / sqrt(inputs) for models of this size: activations stay well within half precision.
    private static final float DEVIATION = 0.02f;

    /// Llama 3's chat format in short, for a vocabulary that comes without one.
    private static final String CHAT_TEMPLATE = """
            {%- for message in messages %}{{- '<|start_header_id|>' + message['role'] + '<|end_header_id|>\n\n' }}\
            {{- message['content'] | trim }}{{- '<|eot_id|>' }}{%- endfor %}\
            {%- if add_generation_prompt %}{{- '<|start_header_id|>assistant<|end_header_id|>\n\n' }}{%- endif %}""";

    /// The number format of the weights. Norms are single precision, as in every model.
    public enum WeightType {
        Q4_0(2, 2, 18, DEVIATION / 4.6f), Q8_0(8, 7, 34, DEVIATION / 74), F16(1, 1, 64, Float.NaN);

        private static final int TYPE_F32 = 0;
        private static final long F16_SIGN_AND_FRACTION = 0x83FF_83FF_83FF_83FFL;
        private static final long F16_ONE_64TH = 0x2400_2400_2400_2400L;

        private final int code;
        private final int fileType;
        private final int blockBytes;
        private final short scale;

        /// @param code its `ggml_type`
        /// @param fileType its `llama_ftype`
        /// @param blockBytes bytes of 32 weights
        /// @param scale what a block's random integers are multiplied by; F16 has none
        WeightType(int code, int fileType, int blockBytes, float scale) {
            this.code = code;
            this.fileType = fileType;
            this.blockBytes = blockBytes;
            this.scale = Float.floatToFloat16(scale);
        }

        private void putBlock(ByteBuffer out, SplittableRandom random) {
            if (this == F16) {
                for (int i = 0; i < blockBytes; i += Long.BYTES) {
                    out.putLong(random.nextLong() & F16_SIGN_AND_FRACTION | F16_ONE_64TH);
                }
                return;
            }
            out.putShort(scale);
            for (int i = Short.BYTES; i < blockBytes; i += Long.BYTES) {
                out.putLong(random.nextLong());
            }
        }
    }

    /// The dimensions of a model of the `llama` architecture.
    ///
    /// @param layers transformer layers
    /// @param embeddingLength numbers of a token's embedding; a multiple of 32 and of `heads`
    /// @param feedForwardLength numbers between the two halves of a feed-forward network; a multiple of 32
    /// @param heads attention heads
    /// @param kvHeads key and value heads, a divisor of `heads`
    /// @param tied whether the output matrix is the token embeddings, and not a matrix of its own
    /// @param contextLength tokens it claims to have been trained for
    public record Shape(int layers, int embeddingLength, int feedForwardLength, int heads, int kvHeads, boolean tied, int contextLength) {

        public Shape {
            if (layers < 1 || heads < 1 || kvHeads < 1 || contextLength < 1 || embeddingLength < 1 || feedForwardLength < 1) {
                throw new IllegalArgumentException("every dimension of a model must be at least 1");
            }
            if (embeddingLength % BLOCK != 0 || feedForwardLength % BLOCK != 0) {
                throw new IllegalArgumentException("embeddingLength %d and feedForwardLength %d must be multiples of %d"
                        .formatted(embeddingLength, feedForwardLength, BLOCK));
            }
            if (embeddingLength % heads != 0 || heads % kvHeads != 0 || embeddingLength / heads % 2 != 0) {
                throw new IllegalArgumentException("%d numbers cannot be shared by %d heads with %d key heads"
                        .formatted(embeddingLength, heads, kvHeads));
            }
        }

        private int headLength() {
            return embeddingLength / heads;
        }

        private List<Tensor> tensors(int vocabSize) {
            List<Tensor> tensors = new ArrayList<>();
            tensors.add(new Tensor("token_embd.weight", embeddingLength, vocabSize));
            tensors.add(new Tensor("output_norm.weight", embeddingLength));
            if (!tied) {
                tensors.add(new Tensor("output.weight", embeddingLength, vocabSize));
            }
            for (int layer = 0; layer < layers; layer++) {
                String prefix = "blk." + layer + ".";
                tensors.add(new Tensor(prefix + "attn_norm.weight", embeddingLength));
                tensors.add(new Tensor(prefix + "attn_q.weight", embeddingLength, embeddingLength));
                tensors.add(new Tensor(prefix + "attn_k.weight", embeddingLength, kvHeads * headLength()));
                tensors.add(new Tensor(prefix + "attn_v.weight", embeddingLength, kvHeads * headLength()));
                tensors.add(new Tensor(prefix + "attn_output.weight", embeddingLength, embeddingLength));
                tensors.add(new Tensor(prefix + "ffn_norm.weight", embeddingLength));
                tensors.add(new Tensor(prefix + "ffn_gate.weight", embeddingLength, feedForwardLength));
                tensors.add(new Tensor(prefix + "ffn_up.weight", embeddingLength, feedForwardLength));
                tensors.add(new Tensor(prefix + "ffn_down.weight", feedForwardLength, embeddingLength));
            }
            return tensors;
        }
    }

    /// A matrix of weights, or a norm's vector of ones.
    private record Tensor(String name, long... shape) {

        boolean isNorm() {
            return shape.length == 1;
        }

        int code(WeightType type) {
            return isNorm() ? WeightType.TYPE_F32 : type.code;
        }
    }

    private SyntheticModel() {
    }

    /// Writes a model, which appears under its name when it is whole. The same arguments give the same bytes.
    ///
    /// @param vocabulary a GGUF file whose vocabulary it gets; one without weights will do
    /// @throws io.llatte.ModelLoadException if the vocabulary's file is missing or is no GGUF
    /// @throws IllegalArgumentException if that file has no vocabulary
    /// @throws UncheckedIOException if the file cannot be written
    public static void write(Path file, Shape shape, WeightType type, Path vocabulary) {
        NativeLibrary.load();
        Path part = file.resolveSibling(file.getFileName() + ".part");
        try {
            try (NativeGguf source = NativeGguf.open(vocabulary); var header = new NativeGgufWriter();
                 var out = FileChannel.open(part, StandardOpenOption.CREATE, StandardOpenOption.WRITE, StandardOpenOption.TRUNCATE_EXISTING)) {
                int vocabSize = source.arrayLength("tokenizer.ggml.tokens");
                if (vocabSize == 0) {
                    throw new IllegalArgumentException(vocabulary + " has no vocabulary");
                }
                List<Tensor> tensors = shape.tensors(vocabSize);
                header.set("tokenizer.chat_template", CHAT_TEMPLATE).setAll(source);
                describe(header, file, shape, type, vocabSize);
                tensors.forEach(tensor -> header.addTensor(tensor.name(), tensor.code(type), tensor.shape()));
                put(header.header(), out);
                var random = new SplittableRandom(42);
                for (Tensor tensor : tensors) {
                    putTensor(tensor, type, random, out);
                    pad(header.alignment(), out);
                }
            }
            Files.move(part, file, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
        } catch (IOException e) {
            throw new UncheckedIOException("writing " + file, e);
        } finally {
            part.toFile().delete();
        }
    }

    private static void describe(NativeGgufWriter header, Path file, Shape shape, WeightType type, int vocabSize) {
        header.set("general.architecture", "llama").set("general.name", file.getFileName().toString().replaceFirst("\\.gguf$", ""))
                .set("general.file_type", type.fileType)
                .set("llama.vocab_size", vocabSize)
                .set("llama.context_length", shape.contextLength())
                .set("llama.embedding_length", shape.embeddingLength())
                .set("llama.block_count", shape.layers())
                .set("llama.feed_forward_length", shape.feedForwardLength())
                .set("llama.attention.head_count", shape.heads())
                .set("llama.attention.head_count_kv", shape.kvHeads())
                .set("llama.attention.layer_norm_rms_epsilon", 1e-5f)
                .set("llama.rope.dimension_count", shape.headLength())
                .set("llama.rope.freq_base", 500_000f);
    }

    private static void putTensor(Tensor tensor, WeightType type, SplittableRandom random, FileChannel out) throws IOException {
        if (tensor.isNorm()) {
            ByteBuffer ones = buffer(Math.toIntExact(tensor.shape()[0] * Float.BYTES));
            while (ones.hasRemaining()) {
                ones.putFloat(1);
            }
            put(ones.flip(), out);
            return;
        }
        long blocks = tensor.shape()[0] * tensor.shape()[1] / BLOCK;
        ByteBuffer chunk = buffer((int) Math.min(blocks, BUFFER_BLOCKS) * type.blockBytes);
        for (long left = blocks; left > 0; left -= BUFFER_BLOCKS) {
            chunk.clear();
            for (long i = Math.min(left, BUFFER_BLOCKS); i > 0; i--) {
                type.putBlock(chunk, random);
            }
            put(chunk.flip(), out);
        }
    }

    private static void pad(long alignment, FileChannel out) throws IOException {
        put(buffer((int) Math.floorMod(-out.position(), alignment)), out);
    }

    private static ByteBuffer buffer(int size) {
        return ByteBuffer.allocate(size).order(ByteOrder.LITTLE_ENDIAN);
    }

    private static void put(ByteBuffer bytes, FileChannel out) throws IOException {
        while (bytes.hasRemaining()) {
            out.write(bytes);
        }
    }
}
