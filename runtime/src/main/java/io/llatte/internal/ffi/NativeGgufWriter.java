package io.llatte.internal.ffi;

import static java.nio.charset.StandardCharsets.UTF_8;

import io.llatte.bindings.LlamaCpp;
import io.llatte.bindings.ggml_init_params;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;

/// Owns a `gguf_context` that a file's header is made in. Tensors are described, never held: their data is the caller's to write. One thread.
///
/// gguf aborts on a tensor name that comes twice and on a row that is no whole number of blocks: the caller sees to both.
public final class NativeGgufWriter implements AutoCloseable {

    private static final int MAX_DIMENSIONS = 2;

    private final NativeHandle gguf = new NativeHandle("the GGUF", LlamaCpp.gguf_init_empty(), LlamaCpp::gguf_free);

    /// Takes over every key of another header, its vocabulary among them.
    public NativeGgufWriter setAll(NativeGguf source) {
        LlamaCpp.gguf_set_kv(gguf.segment(), source.segment());
        return this;
    }

    public NativeGgufWriter set(String key, String value) {
        try (var scratch = Arena.ofConfined()) {
            LlamaCpp.gguf_set_val_str(gguf.segment(), scratch.allocateFrom(key, UTF_8), scratch.allocateFrom(value, UTF_8));
        }
        return this;
    }

    public NativeGgufWriter set(String key, int value) {
        try (var scratch = Arena.ofConfined()) {
            LlamaCpp.gguf_set_val_u32(gguf.segment(), scratch.allocateFrom(key, UTF_8), value);
        }
        return this;
    }

    public NativeGgufWriter set(String key, float value) {
        try (var scratch = Arena.ofConfined()) {
            LlamaCpp.gguf_set_val_f32(gguf.segment(), scratch.allocateFrom(key, UTF_8), value);
        }
        return this;
    }

    /// Describes a tensor, whose data follows that of the one before.
    ///
    /// @param type a `ggml_type`
    /// @param shape one or two dimensions, the fastest first
    public NativeGgufWriter addTensor(String name, int type, long... shape) {
        if (shape.length == 0 || shape.length > MAX_DIMENSIONS) {
            throw new IllegalArgumentException(name + " has " + shape.length + " dimensions, and must have 1 to " + MAX_DIMENSIONS);
        }
        try (var scratch = Arena.ofConfined()) {
            MemorySegment params = ggml_init_params.allocate(scratch);
            ggml_init_params.mem_size(params, LlamaCpp.ggml_tensor_overhead());
            ggml_init_params.mem_buffer(params, MemorySegment.NULL);
            ggml_init_params.no_alloc(params, true);
            MemorySegment ggml = LlamaCpp.ggml_init(params);
            try {
                MemorySegment tensor = shape.length == 1 ? LlamaCpp.ggml_new_tensor_1d(ggml, type, shape[0])
                        : LlamaCpp.ggml_new_tensor_2d(ggml, type, shape[0], shape[1]);
                LlamaCpp.ggml_set_name(tensor, scratch.allocateFrom(name, UTF_8));
                LlamaCpp.gguf_add_tensor(gguf.segment(), tensor);
            } finally {
                LlamaCpp.ggml_free(ggml);
            }
        }
        return this;
    }

    public long alignment() {
        return LlamaCpp.gguf_get_alignment(gguf.segment());
    }

    /// The header as it stands in a file, padded to where the first tensor's data begins.
    public ByteBuffer header() {
        long size = LlamaCpp.gguf_get_meta_size(gguf.segment());
        try (var scratch = Arena.ofConfined()) {
            MemorySegment bytes = scratch.allocate(size);
            LlamaCpp.gguf_get_meta_data(gguf.segment(), bytes);
            return ByteBuffer.wrap(bytes.toArray(ValueLayout.JAVA_BYTE));
        }
    }

    @Override
    public void close() {
        gguf.close();
    }
}
