package io.llatte.internal.ffi;

import io.llatte.bindings.LlamaCpp;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;

/// Owns a `gguf_context`: a file's header. Its getters abort on a wrong index or type, so every one is preceded by its check here.
public final class NativeGguf implements AutoCloseable {

    private static final int MAX_DIMENSIONS = 4;

    private static final int ARRAY = 9;

    private final NativeHandle handle;

    private NativeGguf(MemorySegment raw) {
        handle = new NativeHandle("the GGUF", raw, LlamaCpp::llatte_gguf_free);
    }

    public static NativeGguf open(Path file) {
        try (var scratch = Arena.ofConfined()) {
            MemorySegment out = scratch.allocate(ValueLayout.ADDRESS);
            MemorySegment error = NativeStatus.newError(scratch);
            NativeStatus.check(LlamaCpp.llatte_gguf_open(NativeModel.pathOf(file, scratch), out, error), error, "opening " + file);
            return new NativeGguf(out.get(ValueLayout.ADDRESS, 0));
        }
    }

    @Override
    public void close() {
        handle.close();
    }

    MemorySegment segment() {
        return handle.segment();
    }

    public int version() {
        return LlamaCpp.gguf_get_version(handle.segment());
    }

    public long alignment() {
        return LlamaCpp.gguf_get_alignment(handle.segment());
    }

    public long dataOffset() {
        return LlamaCpp.gguf_get_data_offset(handle.segment());
    }

    public int keyCount() {
        return Math.toIntExact(LlamaCpp.gguf_get_n_kv(handle.segment()));
    }

    public String key(int index) {
        return NativeModel.textOf(LlamaCpp.gguf_get_key(handle.segment(), checkKey(index)));
    }

    public boolean isArray(int index) {
        return LlamaCpp.gguf_get_kv_type(handle.segment(), checkKey(index)) == ARRAY;
    }

    /// How many values an array has; 0 where there is no array of that name.
    public int arrayLength(String name) {
        for (int i = 0; i < keyCount(); i++) {
            if (key(i).equals(name) && isArray(i)) {
                return Math.toIntExact(LlamaCpp.gguf_get_arr_n(handle.segment(), i));
            }
        }
        return 0;
    }

    /// A boxed number, a Boolean, a String, or a list of one of these. Unsigned numbers are widened so that they keep their value,
    /// except a `uint64` beyond 2^63, which is read as negative.
    public Object value(int index) {
        MemorySegment gguf = handle.segment();
        long key = checkKey(index);
        int type = LlamaCpp.gguf_get_kv_type(gguf, key);
        return switch (type) {
            case 0 -> Byte.toUnsignedInt(LlamaCpp.gguf_get_val_u8(gguf, key));
            case 1 -> (int) LlamaCpp.gguf_get_val_i8(gguf, key);
            case 2 -> Short.toUnsignedInt(LlamaCpp.gguf_get_val_u16(gguf, key));
            case 3 -> (int) LlamaCpp.gguf_get_val_i16(gguf, key);
            case 4 -> Integer.toUnsignedLong(LlamaCpp.gguf_get_val_u32(gguf, key));
            case 5 -> LlamaCpp.gguf_get_val_i32(gguf, key);
            case 6 -> LlamaCpp.gguf_get_val_f32(gguf, key);
            case 7 -> LlamaCpp.gguf_get_val_bool(gguf, key);
            case 8 -> NativeModel.textOf(LlamaCpp.gguf_get_val_str(gguf, key));
            case ARRAY -> array(gguf, key);
            case 10 -> LlamaCpp.gguf_get_val_u64(gguf, key);
            case 11 -> LlamaCpp.gguf_get_val_i64(gguf, key);
            case 12 -> LlamaCpp.gguf_get_val_f64(gguf, key);
            default -> throw new IllegalStateException("GGUF value type " + type + " is unknown");
        };
    }

    private static List<Object> array(MemorySegment gguf, long key) {
        int type = LlamaCpp.gguf_get_arr_type(gguf, key);
        int count = Math.toIntExact(LlamaCpp.gguf_get_arr_n(gguf, key));
        List<Object> values = new ArrayList<>(count);
        if (type == 8) {
            for (int i = 0; i < count; i++) {
                values.add(NativeModel.textOf(LlamaCpp.gguf_get_arr_str(gguf, key, i)));
            }
            return values;
        }
        MemorySegment data = LlamaCpp.gguf_get_arr_data(gguf, key).reinterpret(Long.MAX_VALUE);
        for (int i = 0; i < count; i++) {
            values.add(element(data, type, i));
        }
        return values;
    }

    private static Object element(MemorySegment data, int type, long i) {
        return switch (type) {
            case 0 -> Byte.toUnsignedInt(data.get(ValueLayout.JAVA_BYTE, i));
            case 1 -> (int) data.get(ValueLayout.JAVA_BYTE, i);
            case 2 -> Short.toUnsignedInt(data.getAtIndex(ValueLayout.JAVA_SHORT, i));
            case 3 -> (int) data.getAtIndex(ValueLayout.JAVA_SHORT, i);
            case 4 -> Integer.toUnsignedLong(data.getAtIndex(ValueLayout.JAVA_INT, i));
            case 5 -> data.getAtIndex(ValueLayout.JAVA_INT, i);
            case 6 -> data.getAtIndex(ValueLayout.JAVA_FLOAT, i);
            case 7 -> data.get(ValueLayout.JAVA_BYTE, i) != 0;
            case 10, 11 -> data.getAtIndex(ValueLayout.JAVA_LONG, i);
            case 12 -> data.getAtIndex(ValueLayout.JAVA_DOUBLE, i);
            default -> throw new IllegalStateException("GGUF array element type " + type + " is unknown");
        };
    }

    public int tensorCount() {
        return Math.toIntExact(LlamaCpp.gguf_get_n_tensors(handle.segment()));
    }

    /// A tensor's place in the file; `shape` has four dimensions, those beyond the tensor's own being 1.
    public record Tensor(String name, String type, long[] shape, long offset, long sizeBytes) {
    }

    public Tensor tensor(int index) {
        MemorySegment gguf = handle.segment();
        long id = Objects.checkIndex(index, tensorCount());
        return new Tensor(
                NativeModel.textOf(LlamaCpp.gguf_get_tensor_name(gguf, id)),
                NativeModel.textOf(LlamaCpp.ggml_type_name(LlamaCpp.gguf_get_tensor_type(gguf, id))),
                LlamaCpp.gguf_get_tensor_ne(gguf, id).reinterpret((long) MAX_DIMENSIONS * Long.BYTES).toArray(ValueLayout.JAVA_LONG),
                LlamaCpp.gguf_get_tensor_offset(gguf, id),
                LlamaCpp.gguf_get_tensor_size(gguf, id));
    }

    private long checkKey(int index) {
        return Objects.checkIndex(index, keyCount());
    }
}
