package io.llatte.engine;

/// What a sequence of an engine does.
///
/// @param id the sequence, from 0
/// @param state whether it is taken
/// @param tokens those that it holds in the KV cache now; what it shares with another sequence counts for both
public record SlotStatus(int id, State state, int tokens) {

    /// Whether a sequence is taken.
    public enum State {
        /// It holds nothing.
        FREE,
        /// It is idle, and keeps what it held for a prompt that begins the same way.
        KEPT,
        /// It works for a request.
        BUSY
    }
}
