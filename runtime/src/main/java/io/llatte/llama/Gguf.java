package io.llatte.llama;

import io.llatte.internal.ffi.NativeGguf;
import io.llatte.internal.ffi.NativeLibrary;
import java.nio.file.Path;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;

/// A GGUF file's header: its metadata and tensors, read without loading a weight. An immutable copy; nothing to close.
///
/// @param file the file
/// @param version the format's version
/// @param alignment bytes that tensors are aligned to
/// @param dataOffset where the tensors' data begins in the file
/// @param metadata keys and values in the file's order: boxed numbers, Boolean, String, or a list of one of these
/// @param tensors the tensors in the file's order
public record Gguf(Path file, int version, long alignment, long dataOffset, Map<String, Object> metadata, List<Tensor> tensors) {

    public Gguf {
        metadata = Collections.unmodifiableMap(new LinkedHashMap<>(metadata));
        tensors = List.copyOf(tensors);
    }

    /// A tensor of the file.
    ///
    /// @param name its name, as in `blk.0.attn_q.weight`
    /// @param type ggml's name of its number format, as in `q4_K`
    /// @param shape elements by dimension, the fastest first, without trailing ones
    /// @param offset bytes from the beginning of the data
    /// @param sizeBytes its bytes
    public record Tensor(String name, String type, List<Long> shape, long offset, long sizeBytes) {

        public Tensor {
            shape = List.copyOf(shape);
        }

        private static Tensor of(NativeGguf.Tensor tensor) {
            int dimensions = 4;
            while (dimensions > 1 && tensor.shape()[dimensions - 1] == 1) {
                dimensions--;
            }
            List<Long> shape = IntStream.range(0, dimensions).mapToObj(i -> tensor.shape()[i]).toList();
            return new Tensor(tensor.name(), tensor.type(), shape, tensor.offset(), tensor.sizeBytes());
        }

        /// How many numbers it holds.
        public long elementCount() {
            return shape.stream().reduce(1L, (a, b) -> a * b);
        }
    }

    /// Reads a file's header.
    ///
    /// @throws io.llatte.ModelLoadException if the file is missing or is no GGUF
    public static Gguf read(Path file) {
        NativeLibrary.load();
        try (NativeGguf gguf = NativeGguf.open(file)) {
            Map<String, Object> metadata = new LinkedHashMap<>();
            for (int i = 0; i < gguf.keyCount(); i++) {
                metadata.put(gguf.key(i), gguf.value(i));
            }
            List<Tensor> tensors = IntStream.range(0, gguf.tensorCount()).mapToObj(gguf::tensor).map(Tensor::of).toList();
            return new Gguf(file, gguf.version(), gguf.alignment(), gguf.dataOffset(), metadata, tensors);
        }
    }

    /// Reads the scalars of a file's header alone: neither arrays, of which a vocabulary's are most of the time, nor tensors.
    ///
    /// @throws io.llatte.ModelLoadException if the file is missing or is no GGUF
    public static Gguf readScalars(Path file) {
        NativeLibrary.load();
        try (NativeGguf gguf = NativeGguf.open(file)) {
            Map<String, Object> metadata = new LinkedHashMap<>();
            for (int i = 0; i < gguf.keyCount(); i++) {
                if (!gguf.isArray(i)) {
                    metadata.put(gguf.key(i), gguf.value(i));
                }
            }
            return new Gguf(file, gguf.version(), gguf.alignment(), gguf.dataOffset(), metadata, List.of());
        }
    }

    /// `general.architecture`, or "".
    public String architecture() {
        return metadata.getOrDefault("general.architecture", "").toString();
    }

    /// The number of weights.
    public long parameterCount() {
        return tensors.stream().mapToLong(Tensor::elementCount).sum();
    }
}
