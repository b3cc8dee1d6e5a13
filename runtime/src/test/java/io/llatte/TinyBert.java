package io.llatte;

import static io.llatte.GgufFile.float32;
import static io.llatte.GgufFile.ints;
import static io.llatte.GgufFile.string;
import static io.llatte.GgufFile.strings;
import static io.llatte.GgufFile.uint32;
import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;

/// A BERT of random weights with a few words, for embeddings, or with a classification head, for ranking. 128 positions.
public final class TinyBert {

    public static final int LENGTH = 32;
    public static final int POSITIONS = 128;

    private static final int LAYERS = 2;
    private static final int FEED_FORWARD = 64;
    private static final int ALIGNMENT = 32;
    private static final int MEAN = 1;
    private static final int RANK = 4;

    private record Tensor(String name, float[] values, long... shape) {
    }

    private final Map<String, byte[]> metadata = new LinkedHashMap<>();
    private final List<Tensor> tensors = new ArrayList<>();
    private final SplittableRandom random = new SplittableRandom(7);

    private TinyBert() {
    }

    public static Path embedding(Path file) throws IOException {
        return new TinyBert().describe(MEAN).layers().write(file);
    }

    public static Path ranking(Path file) throws IOException {
        return new TinyBert().describe(RANK).layers().head().write(file);
    }

    /// A file that says that it ranks, and has no head for it.
    public static Path rankingWithoutHead(Path file) throws IOException {
        return new TinyBert().describe(RANK).layers().write(file);
    }

    private TinyBert describe(int pooling) {
        List<String> tokens = new ArrayList<>(List.of("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"));
        for (String word : "the cat dog sat ran on under mat tree what who is where how many house river blue red".split(" ")) {
            tokens.add("▁" + word);
        }
        for (char c = 'a'; c <= 'z'; c++) {
            tokens.add("▁" + c);
            tokens.add(String.valueOf(c));
        }
        int[] types = new int[tokens.size()];
        for (int i = 0; i < types.length; i++) {
            types[i] = i == 1 ? 2 : i < 5 ? 3 : 1;
        }
        metadata.put("general.architecture", string("bert"));
        metadata.put("bert.context_length", uint32(POSITIONS));
        metadata.put("bert.embedding_length", uint32(LENGTH));
        metadata.put("bert.feed_forward_length", uint32(FEED_FORWARD));
        metadata.put("bert.block_count", uint32(LAYERS));
        metadata.put("bert.attention.head_count", uint32(2));
        metadata.put("bert.attention.layer_norm_epsilon", float32(1e-12f));
        metadata.put("bert.attention.causal", bool(false));
        metadata.put("bert.pooling_type", uint32(pooling));
        metadata.put("tokenizer.ggml.model", string("bert"));
        metadata.put("tokenizer.ggml.tokens", strings(tokens));
        metadata.put("tokenizer.ggml.token_type", ints(types));
        metadata.put("tokenizer.ggml.token_type_count", uint32(2));
        metadata.put("tokenizer.ggml.padding_token_id", uint32(0));
        metadata.put("tokenizer.ggml.unknown_token_id", uint32(1));
        metadata.put("tokenizer.ggml.bos_token_id", uint32(2));
        metadata.put("tokenizer.ggml.seperator_token_id", uint32(3));
        metadata.put("tokenizer.ggml.mask_token_id", uint32(4));
        add("token_embd.weight", LENGTH, tokens.size());
        add("token_types.weight", LENGTH, 2);
        add("position_embd.weight", LENGTH, POSITIONS);
        norm("token_embd_norm");
        return this;
    }

    private TinyBert layers() {
        for (int layer = 0; layer < LAYERS; layer++) {
            String prefix = "blk." + layer + ".";
            for (String name : List.of("attn_q", "attn_k", "attn_v", "attn_output")) {
                add(prefix + name + ".weight", LENGTH, LENGTH);
                add(prefix + name + ".bias", LENGTH);
            }
            norm(prefix + "attn_output_norm");
            add(prefix + "ffn_up.weight", LENGTH, FEED_FORWARD);
            add(prefix + "ffn_up.bias", FEED_FORWARD);
            add(prefix + "ffn_down.weight", FEED_FORWARD, LENGTH);
            add(prefix + "ffn_down.bias", LENGTH);
            norm(prefix + "layer_output_norm");
        }
        return this;
    }

    private TinyBert head() {
        // As the converter writes of a pair's form, [CLS] query [SEP] document [SEP].
        metadata.put("tokenizer.ggml.eos_token_id", uint32(3));
        metadata.put("tokenizer.ggml.add_eos_token", bool(true));
        metadata.put("tokenizer.ggml.add_sep_token", bool(false));
        add("cls.weight", LENGTH, LENGTH);
        add("cls.bias", LENGTH);
        add("cls.output.weight", LENGTH, 1);
        add("cls.output.bias", 1);
        return this;
    }

    private void add(String name, long... shape) {
        long count = 1;
        for (long length : shape) {
            count *= length;
        }
        float[] values = new float[(int) count];
        for (int i = 0; i < values.length; i++) {
            values[i] = (float) (random.nextGaussian() * 0.3);
        }
        tensors.add(new Tensor(name, values, shape));
    }

    private void norm(String name) {
        add(name + ".bias", LENGTH);
        add(name + ".weight", LENGTH);
        float[] weights = tensors.getLast().values;
        for (int i = 0; i < weights.length; i++) {
            weights[i] += 1;
        }
    }

    private static byte[] bool(boolean value) {
        return buffer(5).putInt(7).put((byte) (value ? 1 : 0)).array();
    }

    private Path write(Path file) throws IOException {
        var out = new ByteArrayOutputStream();
        out.writeBytes(buffer(24).put("GGUF".getBytes(UTF_8)).putInt(3).putLong(tensors.size()).putLong(metadata.size()).array());
        metadata.forEach((key, value) -> {
            out.writeBytes(name(key));
            out.writeBytes(value);
        });
        long offset = 0;
        for (Tensor tensor : tensors) {
            out.writeBytes(name(tensor.name));
            ByteBuffer entry = buffer(4 + 8 * tensor.shape.length + 4 + 8).putInt(tensor.shape.length);
            for (long length : tensor.shape) {
                entry.putLong(length);
            }
            out.writeBytes(entry.putInt(0).putLong(offset).array());
            offset += aligned(4 * tensor.values.length);
        }
        out.writeBytes(new byte[aligned(out.size()) - out.size()]);
        for (Tensor tensor : tensors) {
            ByteBuffer data = buffer(aligned(4 * tensor.values.length));
            for (float value : tensor.values) {
                data.putFloat(value);
            }
            out.writeBytes(data.array());
        }
        return Files.write(file, out.toByteArray());
    }

    private static byte[] name(String text) {
        byte[] bytes = text.getBytes(UTF_8);
        return buffer(8 + bytes.length).putLong(bytes.length).put(bytes).array();
    }

    private static int aligned(int size) {
        return (size + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    }

    private static ByteBuffer buffer(int size) {
        return ByteBuffer.allocate(size).order(ByteOrder.LITTLE_ENDIAN);
    }
}
