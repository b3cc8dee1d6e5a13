package io.llatte;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/// A GGUF taken apart, so that a value of it can be replaced and the rest is still sound.
public final class GgufFile {

    private static final int ALIGNMENT = 32;
    private static final int STRING = 8;
    private static final int ARRAY = 9;

    private final Map<String, byte[]> metadata = new LinkedHashMap<>();
    private final byte[] tensors;
    private final int tensorCount;
    private final byte[] data;

    private GgufFile(ByteBuffer in) {
        in.position(8);
        tensorCount = (int) in.getLong();
        long keys = in.getLong();
        for (long i = 0; i < keys; i++) {
            String key = string(in);
            int from = in.position();
            skipValue(in, in.getInt());
            metadata.put(key, Arrays.copyOfRange(in.array(), from, in.position()));
        }
        int from = in.position();
        for (int i = 0; i < tensorCount; i++) {
            string(in);
            in.position(in.position() + 4 + 8 * in.getInt(in.position()) + 4 + 8);
        }
        tensors = Arrays.copyOfRange(in.array(), from, in.position());
        data = Arrays.copyOfRange(in.array(), aligned(in.position()), in.capacity());
    }

    public static GgufFile read(Path file) throws IOException {
        return new GgufFile(ByteBuffer.wrap(Files.readAllBytes(file)).order(ByteOrder.LITTLE_ENDIAN));
    }

    private static int aligned(int offset) {
        return (offset + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    }

    private static String string(ByteBuffer in) {
        byte[] bytes = new byte[(int) in.getLong()];
        in.get(bytes);
        return new String(bytes, UTF_8);
    }

    private static void skipValue(ByteBuffer in, int type) {
        switch (type) {
            case STRING -> string(in);
            case ARRAY -> {
                int elementType = in.getInt();
                long count = in.getLong();
                for (long i = 0; i < count; i++) {
                    skipValue(in, elementType);
                }
            }
            default -> in.position(in.position() + sizeOf(type));
        }
    }

    private static int sizeOf(int type) {
        return switch (type) {
            case 0, 1, 7 -> 1;
            case 2, 3 -> 2;
            case 4, 5, 6 -> 4;
            case 10, 11, 12 -> 8;
            default -> throw new IllegalArgumentException("type " + type);
        };
    }

    public List<String> keys() {
        return List.copyOf(metadata.keySet());
    }

    public GgufFile set(String key, byte[] value) {
        metadata.put(key, value);
        return this;
    }

    public GgufFile remove(String key) {
        metadata.remove(key);
        return this;
    }

    public Path write(Path file) throws IOException {
        var out = new ByteArrayOutputStream(data.length + (1 << 20));
        out.writeBytes(buffer(24).put("GGUF".getBytes(UTF_8)).putInt(3).putLong(tensorCount).putLong(metadata.size()).array());
        metadata.forEach((key, value) -> {
            out.writeBytes(text(key));
            out.writeBytes(value);
        });
        out.writeBytes(tensors);
        out.writeBytes(new byte[aligned(out.size()) - out.size()]);
        out.writeBytes(data);
        return Files.write(file, out.toByteArray());
    }

    private static ByteBuffer buffer(int size) {
        return ByteBuffer.allocate(size).order(ByteOrder.LITTLE_ENDIAN);
    }

    private static byte[] text(String text) {
        byte[] bytes = text.getBytes(UTF_8);
        return buffer(8 + bytes.length).putLong(bytes.length).put(bytes).array();
    }

    public static byte[] uint32(int value) {
        return buffer(8).putInt(4).putInt(value).array();
    }

    public static byte[] bool(boolean value) {
        return buffer(5).putInt(7).put((byte) (value ? 1 : 0)).array();
    }

    public static byte[] float32(float value) {
        return buffer(8).putInt(6).putFloat(value).array();
    }

    public static byte[] string(String value) {
        byte[] text = text(value);
        return buffer(4 + text.length).putInt(STRING).put(text).array();
    }

    public static byte[] strings(List<String> values) {
        var out = new ByteArrayOutputStream();
        out.writeBytes(buffer(16).putInt(ARRAY).putInt(STRING).putLong(values.size()).array());
        values.forEach(value -> out.writeBytes(text(value)));
        return out.toByteArray();
    }

    public static byte[] floats(float... values) {
        ByteBuffer out = buffer(16 + 4 * values.length).putInt(ARRAY).putInt(6).putLong(values.length);
        for (float value : values) {
            out.putFloat(value);
        }
        return out.array();
    }

    public static byte[] ints(int... values) {
        ByteBuffer out = buffer(16 + 4 * values.length).putInt(ARRAY).putInt(5).putLong(values.length);
        for (int value : values) {
            out.putInt(value);
        }
        return out.array();
    }

    /// Gives a tiny model a vocabulary of its 128 tokens: bytes as text, and a few words.
    public GgufFile speaking() {
        List<String> tokens = new ArrayList<>(List.of("<unk>", "<s>", "</s>", "▁"));
        for (char c = '!'; c < 127; c++) {
            tokens.add(String.valueOf(c));
        }
        tokens.addAll(List.of("yes", "no", "he", "ll", "hello", "world", "▁hello", "▁world", "\n"));
        while (tokens.size() < 128) {
            tokens.add("<unused" + tokens.size() + ">");
        }
        float[] scores = new float[128];
        int[] types = new int[128];
        for (int i = 0; i < 128; i++) {
            scores[i] = -i;
            types[i] = i == 0 ? 2 : i < 3 ? 3 : 1;
        }
        return set("tokenizer.ggml.model", string("llama")).set("tokenizer.ggml.tokens", strings(tokens))
                .set("tokenizer.ggml.scores", floats(scores)).set("tokenizer.ggml.token_type", ints(types))
                .set("tokenizer.ggml.unknown_token_id", uint32(0)).set("tokenizer.ggml.bos_token_id", uint32(1))
                .set("tokenizer.ggml.eos_token_id", uint32(2));
    }
}
