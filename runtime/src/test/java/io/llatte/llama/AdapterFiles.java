package io.llatte.llama;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;

/// Writes adapters of random weights for the tiny models.
public final class AdapterFiles {

    private static final int ALIGNMENT = 32;
    private static final int F32 = 0;
    private static final int TYPE_FLOAT = 6;
    private static final int TYPE_STRING = 8;
    private static final int RANK = 4;

    private record Tensor(String name, int[] shape, float[] data) {
    }

    private AdapterFiles() {
    }

    /// A LoRA for the attention's output of each layer.
    public static Path lora(Path file, Model model, long seed) throws IOException {
        return lora(file, model, seed, model.info().embeddingLength());
    }

    /// The same for layers of another width.
    static Path lora(Path file, Model model, long seed, int width) throws IOException {
        var random = new Random(seed);
        List<Tensor> tensors = new ArrayList<>();
        for (int layer = 0; layer < model.info().layerCount(); layer++) {
            String base = "blk.%d.attn_output.weight".formatted(layer);
            tensors.add(new Tensor(base + ".lora_a", new int[] {width, RANK}, numbers(random, width * RANK)));
            tensors.add(new Tensor(base + ".lora_b", new int[] {RANK, width}, numbers(random, width * RANK)));
        }
        return write(file, List.of("general.type", "adapter", "adapter.type", "lora", "general.architecture", "llama"), true, tensors);
    }

    /// A control vector for each layer but the first.
    public static Path controlVector(Path file, Model model, long seed) throws IOException {
        var random = new Random(seed);
        int width = model.info().embeddingLength();
        List<Tensor> tensors = new ArrayList<>();
        for (int layer = 1; layer < model.info().layerCount(); layer++) {
            tensors.add(new Tensor("direction." + layer, new int[] {width}, numbers(random, width)));
        }
        return write(file, List.of("general.architecture", "controlvector"), false, tensors);
    }

    private static float[] numbers(Random random, int count) {
        float[] numbers = new float[count];
        for (int i = 0; i < count; i++) {
            numbers[i] = random.nextFloat() - 0.5f;
        }
        return numbers;
    }

    private static Path write(Path file, List<String> texts, boolean alpha, List<Tensor> tensors) throws IOException {
        ByteBuffer out = ByteBuffer.allocate(1 << 22).order(ByteOrder.LITTLE_ENDIAN);
        out.put("GGUF".getBytes(UTF_8)).putInt(3).putLong(tensors.size()).putLong(texts.size() / 2 + (alpha ? 1 : 0));
        for (int i = 0; i < texts.size(); i += 2) {
            put(out, texts.get(i));
            out.putInt(TYPE_STRING);
            put(out, texts.get(i + 1));
        }
        if (alpha) {
            put(out, "adapter.lora.alpha");
            out.putInt(TYPE_FLOAT).putFloat(8);
        }
        long offset = 0;
        for (Tensor tensor : tensors) {
            put(out, tensor.name());
            out.putInt(tensor.shape().length);
            for (int size : tensor.shape()) {
                out.putLong(size);
            }
            out.putInt(F32).putLong(offset);
            offset += aligned(tensor.data().length * Float.BYTES);
        }
        out.position(aligned(out.position()));
        for (Tensor tensor : tensors) {
            int from = out.position();
            for (float number : tensor.data()) {
                out.putFloat(number);
            }
            out.position(from + aligned(tensor.data().length * Float.BYTES));
        }
        byte[] bytes = new byte[out.position()];
        out.flip().get(bytes);
        return Files.write(file, bytes);
    }

    private static void put(ByteBuffer out, String text) {
        byte[] bytes = text.getBytes(UTF_8);
        out.putLong(bytes.length).put(bytes);
    }

    private static int aligned(int size) {
        return (size + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    }
}
