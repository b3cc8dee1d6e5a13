package io.llatte.engine;

/// Where a model runs.
public enum PlacementTarget {
    /// With layers on GPUs of this machine.
    GPU,
    /// On the CPU of this machine alone.
    CPU,
    /// On a server.
    REMOTE
}
