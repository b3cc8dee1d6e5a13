package io.llatte.llama;

/// How token embeddings become one embedding of a sequence (`llama_pooling_type`).
public enum Pooling {
    /// As the model says.
    MODEL(-1), NONE(0), MEAN(1), CLS(2), LAST(3), RANK(4);

    private final int code;

    Pooling(int code) {
        this.code = code;
    }

    int code() {
        return code;
    }
}
