package io.llatte.demo;

import io.llatte.llama.ToolCall;
import io.llatte.tools.ToolResult;

/// Hears an answer as it comes.
interface AnswerListener {

    /// The answer's text goes on.
    void text(String piece);

    /// The model thinks on.
    default void thought(String piece) {
    }

    /// The model wants a tool to be called.
    default void called(ToolCall call) {
    }

    /// The tool has returned.
    default void returned(ToolResult result) {
    }
}
