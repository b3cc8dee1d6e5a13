package io.llatte;

/// What happens while a model answers.
public sealed interface ChatEvent {

    /// The answer's text goes on.
    record TextDelta(String text) implements ChatEvent {
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

    /// The answer is whole; nothing comes after this.
    record Ended(ChatAnswer answer) implements ChatEvent {
    }
}
