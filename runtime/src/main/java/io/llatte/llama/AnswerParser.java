package io.llatte.llama;

import com.fasterxml.jackson.databind.JsonNode;
import io.llatte.internal.ffi.NativeParser;
import java.util.ArrayList;
import java.util.List;

/// Reads what a model writes: its text, its reasoning and its tool calls, in the format that the template asked it to use. By llama-common's own
/// parsers. The caller closes it. Any thread.
public final class AnswerParser implements AutoCloseable {

    private final NativeParser parser;

    private AnswerParser(NativeParser parser) {
        this.parser = parser;
    }

    /// For the answer to a rendered conversation.
    public static AnswerParser of(RenderedChat rendered) {
        return new AnswerParser(NativeParser.of(rendered.syntax()));
    }

    /// What an answer says.
    ///
    /// @param text all that the model wrote
    /// @param partial whether more text will follow, so that what is incomplete is left out rather than refused
    /// @throws io.llatte.TemplateException if the text does not follow the format
    /// @throws IllegalStateException if this is closed
    public ChatMessage parse(String text, boolean partial) {
        JsonNode message = ChatTemplate.parse(parser.parse(text, partial));
        List<ToolCall> calls = new ArrayList<>();
        message.path("tool_calls").forEach(call -> calls.add(new ToolCall(call.path("id").asText(""),
                call.path("function").path("name").asText(), call.path("function").path("arguments").asText())));
        return new ChatMessage("assistant", message.path("content").asText(""), message.path("reasoning_content").asText(""), calls, "");
    }

    /// Frees it. Idempotent; waits for a running call.
    @Override
    public void close() {
        parser.close();
    }
}
