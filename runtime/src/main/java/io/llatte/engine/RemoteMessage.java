package io.llatte.engine;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.llatte.llama.ChatMessage;
import io.llatte.llama.ToolCall;
import java.util.ArrayList;
import java.util.List;

/// Turns of a conversation as OpenAI's protocol has them, and one that comes in pieces. Any thread.
final class RemoteMessage {

    private static final int MOST_CALLS = 1000;

    private final StringBuilder text = new StringBuilder();
    private final StringBuilder reasoning = new StringBuilder();
    private final List<ToolCall> calls = new ArrayList<>();

    /// Writes a turn.
    static void write(ArrayNode messages, ChatMessage message) {
        ObjectNode turn = messages.addObject().put("role", message.role());
        RemoteMedia.write(message, turn);
        if (!message.toolCallId().isEmpty()) {
            turn.put("tool_call_id", message.toolCallId());
        }
        if (!message.toolCalls().isEmpty()) {
            var list = turn.putArray("tool_calls");
            for (ToolCall call : message.toolCalls()) {
                list.addObject().put("id", call.id()).put("type", "function").putObject("function").put("name", call.name())
                        .put("arguments", call.arguments());
            }
        }
    }

    /// Takes a piece. Returns whether it says more of the reasoning or a call.
    synchronized boolean add(String moreText, JsonNode delta) {
        text.append(moreText);
        String thought = delta.path("reasoning_content").asText("");
        reasoning.append(thought);
        for (JsonNode call : delta.path("tool_calls")) {
            add(call.path("index").asInt(calls.size()), call);
        }
        return !thought.isEmpty() || !delta.path("tool_calls").isEmpty();
    }

    private void add(int index, JsonNode more) {
        if (index < 0 || index > calls.size() || index >= MOST_CALLS) {
            return;
        }
        ToolCall before = index < calls.size() ? calls.get(index) : new ToolCall("", "", "");
        JsonNode function = more.path("function");
        var now = new ToolCall(before.id() + more.path("id").asText(""), before.name() + function.path("name").asText(""),
                before.arguments() + function.path("arguments").asText(""));
        if (index < calls.size()) {
            calls.set(index, now);
        } else {
            calls.add(now);
        }
    }

    /// What came so far.
    synchronized ChatMessage message() {
        return new ChatMessage("assistant", text.toString(), reasoning.toString(), List.copyOf(calls), "");
    }
}
