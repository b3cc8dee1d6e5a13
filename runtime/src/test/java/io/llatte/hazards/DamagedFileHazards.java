package io.llatte.hazards;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import io.llatte.GgufFile;
import io.llatte.ModelLoadException;
import io.llatte.llama.Gguf;
import io.llatte.llama.Model;
import io.llatte.llama.ModelOptions;
import io.llatte.llama.Quantization;
import io.llatte.llama.QuantizeOptions;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;

/// Seeded damage to the files of tiny models. A process that dies has printed the model and the seed last.
final class DamagedFileHazards extends Hazards {

    private static final long[] EDGES = {0, 1, 2, 3, 7, 26, 0x7f, 0x80, 0xff, 0x100, 0x7fff, 0xffff, 0x10000, 0x7fffffff, 0x80000000L, 0xffffffffL, 1L << 32, Long.MAX_VALUE,
        Long.MIN_VALUE, -1};

    void damagedTransformer() throws IOException {
        damage(tiny("llama-dense"), 560);
    }

    void filesThatAreNoModels() throws IOException {
        Path garbage = Files.write(scratch.resolve("garbage.gguf"), new byte[4096]);
        Path empty = Files.createFile(scratch.resolve("empty.gguf"));
        for (Path file : List.of(Path.of("/nowhere/at/all.gguf"), Path.of("/"), Path.of("/dev/zero"), Path.of("/dev/null"), garbage, empty)) {
            HazardProgram.detail(file.toString());
            assertThatExceptionOfType(ModelLoadException.class).isThrownBy(() -> Model.load(file, arena)).withMessageContaining(file.toString());
            refused(() -> Gguf.read(file));
        }
    }

    /// A hard link: two names, one file, which quantising would truncate while reading.
    void modelQuantisedToItself() throws IOException {
        Path copy = Files.copy(tiny("llama-dense"), scratch.resolve("copy.gguf"));
        Files.createLink(scratch.resolve("copy.gguf.part"), copy);
        long bytes = Files.size(copy);
        refused(() -> Model.quantize(copy, copy, QuantizeOptions.to(Quantization.Q8_0)));
        assertThat(copy).hasSize(bytes);
    }

    /// Numbers that the loader looks up in an enum, on an architecture that does not expect them.
    void unknownEnumsOfHyperparameters() throws IOException {
        Path file = scratch.resolve("enum.gguf");
        for (String name : List.of("llama-dense", "llama-moe")) {
            for (String key : List.of("expert_gating_func", "rope.scaling.type", "pooling_type", "expert_weights_norm")) {
                for (int value : ODD_INTS) {
                    HazardProgram.detail(name + " " + key + " " + value);
                    use(GgufFile.read(tiny(name)).set("llama." + key, GgufFile.uint32(value)).write(file));
                }
            }
        }
    }

    void damagedTransformerThatSpeaks() throws IOException {
        damage(GgufFile.read(tiny("llama-dense")).speaking().write(scratch.resolve("speaking.gguf")), 60);
    }

    void damagedMixtureOfExperts() throws IOException {
        damage(tiny("llama-moe"), 60);
    }

    void damagedSlidingWindow() throws IOException {
        damage(tiny("gemma3-dense"), 60);
    }

    void damagedRecurrentModel() throws IOException {
        damage(tiny("mamba-dense"), 60);
    }

    void damagedHybrid() throws IOException {
        damage(tiny("falcon-h1-dense"), 60);
    }

    void damagedDiffusionModel() throws IOException {
        damage(tiny("llada-dense"), 60);
    }

    void damagedVocabularies() throws IOException {
        for (String name : List.of("llama-spm", "bert-bge")) {
            if (Files.exists(vocabulary(name))) {
                damage(vocabulary(name), 25);
            }
        }
    }

    private void damage(Path source, int seeds) throws IOException {
        byte[] original = Files.readAllBytes(source);
        int header = (int) Math.min(original.length, Gguf.read(source).dataOffset());
        List<Integer> values = offsetsOfValues(source, original, header);
        Path file = scratch.resolve("damaged.gguf");
        for (int seed = 1; seed <= seeds; seed++) {
            HazardProgram.detail(source.getFileName() + " seed " + seed);
            Files.write(file, damaged(original, header, values, new Random(seed)));
            use(file);
        }
    }

    /// Where the header keeps numbers: damage there gets past the parser more often than damage anywhere.
    private static List<Integer> offsetsOfValues(Path source, byte[] original, int header) {
        String text = new String(original, 0, header, StandardCharsets.ISO_8859_1);
        List<Integer> offsets = new ArrayList<>();
        Gguf gguf = Gguf.read(source);
        gguf.metadata().keySet().forEach(key -> offsets.add(text.indexOf(key) + key.length() + 4));
        for (var tensor : gguf.tensors()) {
            for (int skip : new int[] {0, 4, 12, 20, 28}) {
                offsets.add(text.indexOf(tensor.name()) + tensor.name().length() + skip);
            }
        }
        offsets.removeIf(offset -> offset < 0 || offset + 8 > header);
        return offsets;
    }

    private static byte[] damaged(byte[] original, int header, List<Integer> values, Random random) {
        byte[] bytes = original.clone();
        switch (random.nextInt(6)) {
            case 0 -> {
                return Arrays.copyOf(bytes, random.nextInt(random.nextBoolean() ? header : bytes.length));
            }
            case 1 -> {
                // A part of the header over another, or taken out of it.
                int length = 1 + random.nextInt(64);
                int from = random.nextInt(header - length);
                int to = random.nextInt(header - length);
                if (random.nextBoolean()) {
                    System.arraycopy(bytes, from, bytes, to, length);
                } else {
                    System.arraycopy(bytes, to + length, bytes, to, bytes.length - to - length);
                }
            }
            case 2, 3 -> {
                ByteBuffer buffer = ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
                int at = values.get(random.nextInt(values.size()));
                long value = EDGES[random.nextInt(EDGES.length)];
                if (random.nextBoolean()) {
                    buffer.putInt(at, (int) value);
                } else {
                    buffer.putLong(at, value);
                }
            }
            case 4 -> bytes[values.get(random.nextInt(values.size())) + random.nextInt(4)] ^= (byte) (1 << random.nextInt(8));
            default -> {
                for (int flips = 1 + random.nextInt(4); flips > 0; flips--) {
                    bytes[random.nextInt(header)] ^= (byte) (1 << random.nextInt(8));
                }
            }
        }
        return bytes;
    }

    /// Whatever the file says: it is refused, or it loads and decodes.
    private void use(Path file) {
        survived(() -> Gguf.read(file));
        survived(() -> Model.plan(file, ModelOptions.cpuOnly(), small().build()));
        survived(() -> {
            try (var model = Model.load(file, ModelOptions.cpuOnly(), arena)) {
                survived(() -> model.vocab().detokenize(model.vocab().tokenize("Hello, 世界!\n")));
                try (var context = model.newContext(small().contextLength(64).build())) {
                    context.decode(rows(context, 8));
                    context.decode(context.newBatch().add(1, 8, 0, true));
                    context.logits(-1).argmax();
                }
            }
        });
    }
}
