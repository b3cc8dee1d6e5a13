package io.llatte.llama;

/// Whether a model calls tools.
public enum ToolChoice {

    /// The model decides. Its text is free until it begins to write a call; from there on only a valid one can follow.
    AUTO,

    /// It answers without calling any.
    NONE,

    /// It calls at least one.
    REQUIRED
}
