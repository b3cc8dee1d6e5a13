package io.llatte.llama;

/// Why a generation ended.
public enum FinishReason {
    /// One of the caller's stop strings came up. A server does not tell that from `EOG`: its answers end with `EOG` then.
    STOP,
    /// The limit of tokens was reached, or the context was full.
    LENGTH,
    /// The model ended its answer with an end-of-generation token.
    EOG,
    /// The stream was cancelled or closed, or the answer failed.
    CANCELLED
}
