package io.llatte.llama;

import io.llatte.LlatteException;
import io.llatte.memory.DeviceArena;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Random;

/// Loads seeded mutations of a tiny model and uses what loads. Prints `seed N` before each, so that a process that ends names the one.
final class MutatedModels {

    private MutatedModels() {
    }

    /// Arguments: the model, the first seed, and how many.
    public static void main(String[] args) throws IOException {
        byte[] original = Files.readAllBytes(Path.of(args[0]));
        int headerBytes = (int) Gguf.read(Path.of(args[0])).dataOffset();
        int first = Integer.parseInt(args[1]);
        int count = Integer.parseInt(args[2]);
        Path file = Files.createTempFile("llatte-mutation", ".gguf");
        int refused = 0;
        try {
            for (int seed = first; seed < first + count; seed++) {
                System.out.println("seed " + seed);
                Files.write(file, mutate(original, headerBytes, new Random(seed)));
                refused += use(file) ? 0 : 1;
            }
        } finally {
            Files.deleteIfExists(file);
        }
        System.out.println("done " + count + " refused " + refused);
    }

    /// Flips bits, overwrites numbers, cuts, or copies a part elsewhere: nearly always in the header, where the meaning is.
    private static byte[] mutate(byte[] original, int headerBytes, Random random) {
        byte[] bytes = original.clone();
        switch (random.nextInt(10)) {
            case 0 -> {
                return Arrays.copyOf(bytes, random.nextInt(bytes.length));
            }
            case 1 -> {
                return Arrays.copyOf(bytes, random.nextInt(headerBytes));
            }
            case 2 -> {
                int length = 1 + random.nextInt(64);
                System.arraycopy(bytes, random.nextInt(headerBytes - length), bytes, random.nextInt(headerBytes - length), length);
            }
            case 3 -> {
                int at = random.nextInt(headerBytes - 8);
                byte filler = (byte) (random.nextBoolean() ? 0xFF : 0);
                Arrays.fill(bytes, at, at + 1 + random.nextInt(8), filler);
            }
            default -> {
                for (int flips = 1 + random.nextInt(4); flips > 0; flips--) {
                    // Half of them in the first kilobytes: counts, keys and hyperparameters, before the vocabulary.
                    int range = random.nextBoolean() ? Math.min(headerBytes, 6000) : headerBytes;
                    bytes[random.nextInt(range)] ^= (byte) (1 << random.nextInt(8));
                }
            }
        }
        return bytes;
    }

    /// Whether the file loaded, and decoded or was refused with a typed exception.
    private static boolean use(Path file) {
        try (var arena = DeviceArena.open(); var model = Model.load(file, arena)) {
            model.vocab().tokenize("Hello, 世界!");
            try (var context = model.newContext(ContextOptions.builder().contextLength(64).batchSize(16).threads(1).batchThreads(1).build())) {
                context.decode(context.newBatch().add(1, 0, 0, false).add(2, 1, 0, true));
                context.logits(-1).argmax();
            }
            return true;
        } catch (LlatteException | IllegalArgumentException | IllegalStateException refused) {
            return false;
        }
    }
}
