package io.llatte;

import io.llatte.llama.Logprobs;
import io.llatte.tools.ToolResult;

/// What happens while a model answers.
public sealed interface ChatEvent {

    /// The answer's text goes on.
    record TextDelta(String text) implements ChatEvent {
    }

    /// How probable the model found a token, where that was asked for. It comes before the text that the token brings.
    record TokenScored(Logprobs logprobs) implements ChatEvent {
    }

    /// The model thinks on.
    record ReasoningDelta(String text) implements ChatEvent {
    }

    /// The model writes on at a call of a tool.
    ///
    /// @param index which of the answer's calls, from 0
    /// @param id the call's id where the call begins, else ""
    /// @param name the tool's name where the call begins, else ""
    /// @param arguments what comes to the arguments, which are JSON as a whole
    record ToolCallDelta(int index, String id, String name, String arguments) implements ChatEvent {
    }

    /// The model asks for calls of tools, which run from here on; it answers again when all have returned.
    ///
    /// @param answer what it said; its message is a turn of the conversation
    record ToolsCalled(ChatAnswer answer) implements ChatEvent {
    }

    /// A call has returned, or failed. In the order in which the calls were asked for.
    ///
    /// @param result its message is a turn of the conversation
    record ToolReturned(ToolResult result) implements ChatEvent {
    }

    /// The answer is whole; nothing comes after this.
    record Ended(ChatAnswer answer) implements ChatEvent {
    }
}
