package io.llatte.llama;

/// Whether a model goes on with the conversation's last turn, which is then the assistant's, instead of beginning one.
public enum Continuation {

    /// It begins a turn.
    NONE,

    /// It goes on with what that turn ends with: its text, or its reasoning where it has no text.
    AUTO,

    /// It goes on thinking.
    REASONING,

    /// It goes on with the text.
    CONTENT
}
