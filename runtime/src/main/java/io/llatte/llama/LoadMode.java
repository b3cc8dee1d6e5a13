package io.llatte.llama;

/// How a model's file gets into memory (`llama_load_mode`).
public enum LoadMode {
    /// What the devices do best.
    AUTO(-1),
    /// Read and copied.
    COPY(0),
    /// Mapped: pages come and go with the operating system's cache.
    MAP(1),
    /// Copied and locked in memory.
    LOCK(2),
    /// Mapped and locked in memory.
    MAP_AND_LOCK(3),
    /// Read past the operating system's cache.
    DIRECT(4);

    private final int code;

    LoadMode(int code) {
        this.code = code;
    }

    int code() {
        return code;
    }
}
