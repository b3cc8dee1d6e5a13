package io.llatte.memory;

/// Bytes of one buffer type on one device, as llama.cpp's own breakdown gives them (`llama_get_memory_breakdown`).
///
/// @param device the device's name, `CPU` for host memory
/// @param bufferType llama.cpp's name of the buffer type, such as `CPU_REPACK` or `CUDA_Host`
/// @param weightsBytes bytes of model tensors
/// @param kvCacheBytes bytes of KV cache and recurrent state
/// @param computeBytes bytes of compute-graph scratch
public record MemoryUsage(String device, String bufferType, long weightsBytes, long kvCacheBytes, long computeBytes) {

    public MemoryUsage {
        if (weightsBytes < 0 || kvCacheBytes < 0 || computeBytes < 0) {
            throw new IllegalArgumentException("bytes must not be negative: " + weightsBytes + ", " + kvCacheBytes + ", " + computeBytes);
        }
    }

    /// The bytes of one kind.
    public long bytes(MemoryKind kind) {
        return switch (kind) {
            case WEIGHTS -> weightsBytes;
            case KV_CACHE -> kvCacheBytes;
            case COMPUTE -> computeBytes;
        };
    }

    /// All bytes together.
    public long totalBytes() {
        return weightsBytes + kvCacheBytes + computeBytes;
    }

    /// The same without weights: what a context adds to its model.
    public MemoryUsage withoutWeights() {
        return new MemoryUsage(device, bufferType, 0, kvCacheBytes, computeBytes);
    }

    /// The weights alone.
    public MemoryUsage weightsOnly() {
        return new MemoryUsage(device, bufferType, weightsBytes, 0, 0);
    }
}
