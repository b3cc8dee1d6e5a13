package io.llatte.llama;

/// What kind of device ggml says it is.
public enum DeviceType {
    /// The host's processors and memory.
    CPU,
    /// A GPU with memory of its own.
    GPU,
    /// A GPU that shares the host's memory.
    INTEGRATED_GPU,
    /// A library that helps the CPU, such as BLAS or AMX.
    ACCELERATOR,
    /// Several devices that ggml presents as one.
    META;

    static DeviceType of(int ggmlType) {
        return switch (ggmlType) {
            case 0 -> CPU;
            case 1 -> GPU;
            case 2 -> INTEGRATED_GPU;
            case 3 -> ACCELERATOR;
            case 4 -> META;
            default -> throw new IllegalStateException("ggml device type " + ggmlType + " is unknown to these bindings");
        };
    }
}
