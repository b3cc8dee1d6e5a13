package io.llatte.tools;

import io.llatte.llama.ChatMessage;
import io.llatte.llama.ToolCall;
import java.util.List;
import java.util.Objects;

/// What came of a call.
///
/// @param call the call
/// @param text what the model is told
/// @param failed whether the tool threw, was not there, or could not read its arguments
public record ToolResult(ToolCall call, String text, boolean failed) {

    public ToolResult {
        Objects.requireNonNull(call, "call");
        Objects.requireNonNull(text, "text");
    }

    /// The result as a turn of the conversation.
    public ChatMessage message() {
        return new ChatMessage("tool", text, "", List.of(), call.id());
    }
}
