package io.llatte.engine;

/// Where a model may run, tried in a fixed order. A remote endpoint, where one is configured, comes last for every policy.
public enum PlacementPolicy {
    /// On GPUs or not at all.
    GPU_ONLY,
    /// On GPUs, with as many layers as fit; else on the CPU.
    PREFER_GPU,
    /// On the CPU.
    CPU_ONLY
}
