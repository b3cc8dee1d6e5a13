package io.llatte;

/// What a [LocalLlm] does.
public enum LlmState {
    /// No model is loaded; the next request loads one.
    DISABLED,
    /// A model is fetched or loaded, and none answers meanwhile.
    LOADING,
    /// A model is loaded and has nothing to do.
    IDLE,
    /// A model answers.
    ACTIVE,
    /// The last load failed, and no model is loaded; the next request tries again.
    ERROR
}
