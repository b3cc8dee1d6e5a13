package io.llatte.llama;

/// How the CPU backend treats memory that belongs to several nodes (`ggml_numa_strategy`), see [Llama#load(NumaStrategy)]. With each but
/// [#DISABLED] files are mapped without reading ahead, so that a page lies on the node of the thread that touches it first.
public enum NumaStrategy {
    /// As if there was one node.
    DISABLED,
    /// Threads are spread over the nodes in turn.
    DISTRIBUTE,
    /// Threads keep to the node on which the library was loaded.
    ISOLATE,
    /// Threads keep to the processors that `numactl` left the process.
    NUMACTL;

    int code() {
        return switch (this) {
            case DISABLED -> 0;
            case DISTRIBUTE -> 1;
            case ISOLATE -> 2;
            case NUMACTL -> 3;
        };
    }
}
