package io.llatte.demo.openai;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.llatte.ChatAnswer;
import io.llatte.ChatEvent;
import io.llatte.demo.llm.ServedModels;
import io.llatte.llama.FinishReason;
import io.llatte.llama.Logprobs;
import io.llatte.llama.TokenLogprob;
import io.llatte.llama.ToolCall;
import java.time.Instant;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;

/// One chat completion as JSON: whole, or in chunks.
final class ChatCompletionJson {

    private static final JsonNodeFactory NODES = JsonNodeFactory.instance;

    private final ServedModels served;
    private final String id = Ids.next("chatcmpl-");
    private final long created = Instant.now().getEpochSecond();
    private final Map<String, String> callIds = new HashMap<>();

    /// Chunks of one choice differ in their text alone, for the most part.
    private final Map<Integer, TextFrame> frames = new HashMap<>();
    private volatile String model = "";

    ChatCompletionJson(ServedModels served) {
        this.served = served;
    }

    /// A model answers now, and does until all is answered.
    void begins() {
        model = served.loaded().orElse("");
    }

    private ObjectNode root(String object) {
        return NODES.objectNode().put("id", id).put("object", object).put("created", created).put("model", model);
    }

    // ---- whole

    ObjectNode whole(List<ChatAnswer> answers) {
        ObjectNode root = root("chat.completion");
        ArrayNode choices = root.putArray("choices");
        for (ChatAnswer answer : answers) {
            ObjectNode choice = choices.addObject().put("index", choices.size() - 1);
            putMessage(choice.putObject("message"), answer);
            putLogprobs(choice, answer.logprobs());
            choice.put("finish_reason", finishReason(answer));
        }
        UsageJson.put(root.putObject("usage"), answers);
        UsageJson.putTimings(root.putObject("timings"), answers);
        return root;
    }

    private void putMessage(ObjectNode message, ChatAnswer answer) {
        message.put("role", "assistant");
        message.put("content", answer.text().isEmpty() && !answer.toolCalls().isEmpty() ? null : answer.text());
        message.putNull("refusal");
        if (!answer.reasoning().isEmpty()) {
            message.put("reasoning_content", answer.reasoning());
        }
        if (!answer.toolCalls().isEmpty()) {
            ArrayNode calls = message.putArray("tool_calls");
            for (ToolCall call : answer.toolCalls()) {
                ObjectNode node = calls.addObject().put("id", call.id().isEmpty() ? Ids.next("call_") : call.id()).put("type", "function");
                node.putObject("function").put("name", call.name()).put("arguments", call.arguments());
            }
        }
    }

    private static String finishReason(ChatAnswer answer) {
        return answer.finishReason() == FinishReason.LENGTH ? "length" : answer.toolCalls().isEmpty() ? "stop" : "tool_calls";
    }

    // ---- chunks

    String roleChunk(int choice, boolean withUsage) {
        return chunk(choice, delta(delta -> delta.put("role", "assistant").put("content", "")), List.of(), withUsage);
    }

    ObjectNode delta(Consumer<ObjectNode> fill) {
        ObjectNode delta = NODES.objectNode();
        fill.accept(delta);
        return delta;
    }

    /// What comes to a call of a tool.
    void putCall(ObjectNode delta, int choice, ChatEvent.ToolCallDelta call) {
        ObjectNode node = delta.putArray("tool_calls").addObject().put("index", call.index());
        ObjectNode function = NODES.objectNode();
        String place = choice + "/" + call.index();
        if (!callIds.containsKey(place)) {
            callIds.put(place, call.id().isEmpty() ? Ids.next("call_") : call.id());
            node.put("id", callIds.get(place)).put("type", "function");
            function.put("name", call.name());
        }
        node.set("function", function.put("arguments", call.arguments()));
    }

    /// What comes to a text, without scores.
    String textChunk(int choice, String text, boolean withUsage) {
        return frames.computeIfAbsent(choice, each -> TextFrame.of(example -> chunk(each, delta(delta -> delta.put("content", example)), List.of(),
                withUsage))).around(text);
    }

    String chunk(int choice, ObjectNode delta, List<Logprobs> logprobs, boolean withUsage) {
        return chunk(choice, delta, logprobs, null, withUsage).toString();
    }

    /// The end of an answer.
    ///
    /// @param logprobs of tokens that brought no text
    String lastChunk(int choice, ChatAnswer answer, List<Logprobs> logprobs, boolean withUsage) {
        ObjectNode root = chunk(choice, NODES.objectNode(), logprobs, finishReason(answer), withUsage);
        UsageJson.putTimings(root.putObject("timings"), List.of(answer));
        return root.toString();
    }

    private ObjectNode chunk(int choice, ObjectNode delta, List<Logprobs> logprobs, String finishReason, boolean withUsage) {
        ObjectNode root = root("chat.completion.chunk");
        ObjectNode node = root.putArray("choices").addObject().put("index", choice);
        node.set("delta", delta);
        putLogprobs(node, logprobs);
        node.put("finish_reason", finishReason);
        if (withUsage) {
            root.putNull("usage");
        }
        return root;
    }

    /// What all answers took together.
    String usageChunk(List<ChatAnswer> answers) {
        ObjectNode root = root("chat.completion.chunk");
        root.putArray("choices");
        UsageJson.put(root.putObject("usage"), answers);
        return root.toString();
    }

    // ---- log-probabilities

    private static void putLogprobs(ObjectNode choice, List<Logprobs> logprobs) {
        if (logprobs.isEmpty()) {
            choice.putNull("logprobs");
            return;
        }
        ObjectNode node = choice.putObject("logprobs");
        ArrayNode content = node.putArray("content");
        node.putNull("refusal");
        for (Logprobs each : logprobs) {
            ObjectNode token = put(content.addObject(), each.token());
            ArrayNode alternatives = token.putArray("top_logprobs");
            each.alternatives().forEach(alternative -> put(alternatives.addObject(), alternative));
        }
    }

    private static ObjectNode put(ObjectNode node, TokenLogprob token) {
        node.put("token", token.text()).put("logprob", finite(token.logprob()));
        ArrayNode bytes = node.putArray("bytes");
        for (byte each : token.bytes()) {
            bytes.add(each & 255);
        }
        return node;
    }

    /// JSON has no infinity; OpenAI writes this for what cannot be.
    static double finite(float logprob) {
        return Float.isInfinite(logprob) ? -9999 : logprob;
    }
}
