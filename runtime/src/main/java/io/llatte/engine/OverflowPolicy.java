package io.llatte.engine;

/// What becomes of a request that needs more tokens than the context has.
public enum OverflowPolicy {
    /// A prompt that leaves no room is refused with an [io.llatte.ContextOverflowException]; an answer ends with
    /// [io.llatte.llama.FinishReason#LENGTH] where the context does.
    FAIL,
    /// An answer that reaches the context's end goes on: the prompt's first tokens stay, a quarter of the context at most, and the older half
    /// of what follows is forgotten. A prompt that leaves no room is refused.
    SHIFT,
    /// The oldest turns of a conversation, but for the system's, are left out of the prompt until a quarter of the context is free for the
    /// answer, or what was asked for if that is less. The last turn always stays.
    DROP_OLDEST_TURNS
}
