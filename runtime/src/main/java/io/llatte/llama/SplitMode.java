package io.llatte.llama;

/// How a model is spread over several GPUs (`llama_split_mode`).
public enum SplitMode {
    /// On one GPU, the main one.
    NONE(0),
    /// Layers and their KV cache by GPU.
    LAYER(1),
    /// Rows of the weights by GPU.
    ROW(2);

    private final int code;

    SplitMode(int code) {
        this.code = code;
    }

    int code() {
        return code;
    }
}
