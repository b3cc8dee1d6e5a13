package io.llatte.memory;

/// What device memory is used for.
public enum MemoryKind {
    /// A model's tensors, also where the file is mapped rather than copied.
    WEIGHTS,
    /// The KV cache and the state of recurrent layers.
    KV_CACHE,
    /// Scratch memory of the compute graph.
    COMPUTE
}
