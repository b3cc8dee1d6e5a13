package io.llatte.demo.openai;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.llatte.ChatAnswer;
import io.llatte.demo.llm.ServedModels;
import io.llatte.llama.FinishReason;
import io.llatte.llama.ToolCall;
import io.llatte.llama.Usage;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;

/// One response as JSON: the whole, and its items.
final class ResponseJson {

    private static final JsonNodeFactory NODES = JsonNodeFactory.instance;
    private static final List<String> REPEATED = List.of("instructions", "max_output_tokens", "metadata", "reasoning", "temperature", "text",
            "tool_choice", "tools", "top_p", "user");

    private final ServedModels served;
    private final ResponsesInput input;
    private final String id = Ids.next("resp_");
    private final long createdAt = Instant.now().getEpochSecond();
    private volatile String model = "";

    ResponseJson(ServedModels served, ResponsesInput input) {
        this.served = served;
        this.input = input;
    }

    /// A model answers now, and does until all is answered.
    void begins() {
        model = served.loaded().orElse("");
    }

    // ---- the whole

    private ObjectNode root(String status) {
        ObjectNode root = NODES.objectNode().put("id", id).put("object", "response").put("created_at", createdAt).put("status", status)
                .put("model", model);
        root.putNull("error").putNull("incomplete_details").putNull("previous_response_id").put("store", false).put("truncation", "disabled")
                .put("parallel_tool_calls", input.options().parallelToolCalls());
        for (String name : REPEATED) {
            input.body().raw(name).ifPresentOrElse(value -> root.set(name, value), () -> root.putNull(name));
        }
        if (!input.body().has("tools")) {
            root.putArray("tools");
        }
        if (!input.body().has("tool_choice")) {
            root.put("tool_choice", "auto");
        }
        if (!input.body().has("text")) {
            root.putObject("text").putObject("format").put("type", "text");
        }
        if (!input.body().has("metadata")) {
            root.putObject("metadata");
        }
        return root;
    }

    /// One that has begun.
    ObjectNode begun() {
        ObjectNode root = root("in_progress");
        root.putArray("output");
        root.putNull("usage");
        return root;
    }

    /// One that has ended.
    ///
    /// @param items as [#items(ChatAnswer)] or as they were streamed
    ObjectNode ended(ChatAnswer answer, List<ObjectNode> items) {
        boolean cut = answer.finishReason() == FinishReason.LENGTH;
        ObjectNode root = root(cut ? "incomplete" : "completed");
        if (cut) {
            root.putObject("incomplete_details").put("reason", "max_output_tokens");
        }
        root.putArray("output").addAll(items);
        Usage usage = answer.usage();
        ObjectNode node = root.putObject("usage").put("input_tokens", usage.promptTokens());
        node.putObject("input_tokens_details").put("cached_tokens", usage.cachedTokens())
                .put("cache_write_tokens", usage.promptTokens() - usage.cachedTokens());
        node.put("output_tokens", usage.generatedTokens());
        node.putObject("output_tokens_details").put("reasoning_tokens", UsageJson.reasoningTokens(answer));
        node.put("total_tokens", usage.promptTokens() + usage.generatedTokens());
        UsageJson.putTimings(root.putObject("timings"), List.of(answer));
        return root;
    }

    /// One that failed after it had begun.
    ObjectNode failed(ObjectNode error) {
        ObjectNode root = root("failed");
        root.putObject("error").put("code", error.path("error").path("code").asText("server_error"))
                .put("message", error.path("error").path("message").asText());
        root.putArray("output");
        root.putNull("usage");
        return root;
    }

    // ---- items

    List<ObjectNode> items(ChatAnswer answer) {
        List<ObjectNode> items = new ArrayList<>();
        if (!answer.reasoning().isEmpty()) {
            items.add(reasoning(Ids.next("rs_"), answer.reasoning()));
        }
        if (!answer.text().isEmpty() || answer.toolCalls().isEmpty()) {
            items.add(message(Ids.next("msg_"), answer.text()));
        }
        for (ToolCall call : answer.toolCalls()) {
            items.add(call(Ids.next("fc_"), call.id().isEmpty() ? Ids.next("call_") : call.id(), call.name(), call.arguments()));
        }
        return items;
    }

    static ObjectNode reasoning(String id, String text) {
        ObjectNode item = item(id, "reasoning");
        item.putArray("summary");
        item.putArray("content").addObject().put("type", "reasoning_text").put("text", text);
        return item;
    }

    static ObjectNode message(String id, String text) {
        ObjectNode item = item(id, "message").put("role", "assistant");
        item.putArray("content").add(textPart(text));
        return item;
    }

    static ObjectNode textPart(String text) {
        ObjectNode part = NODES.objectNode().put("type", "output_text").put("text", text);
        part.putArray("annotations");
        part.putArray("logprobs");
        return part;
    }

    static ObjectNode call(String id, String callId, String name, String arguments) {
        return item(id, "function_call").put("call_id", callId).put("name", name).put("arguments", arguments);
    }

    private static ObjectNode item(String id, String type) {
        return NODES.objectNode().put("id", id).put("type", type).put("status", "completed");
    }

    /// An item that is only begun: as it will be, without what comes to it.
    static ObjectNode opening(ObjectNode item) {
        ObjectNode opening = item.deepCopy().put("status", "in_progress");
        if (opening.has("content")) {
            opening.set("content", NODES.arrayNode());
        }
        return opening;
    }

    static ArrayNode noLogprobs() {
        return NODES.arrayNode();
    }
}
