package io.llatte.demo.openai;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.llatte.ChatAnswer;
import io.llatte.demo.llm.ServedModels;
import io.llatte.llama.FinishReason;
import io.llatte.llama.Logprobs;
import io.llatte.llama.TokenLogprob;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;

/// One completion as JSON: whole, or in chunks.
final class CompletionJson {

    private final String id = Ids.next("cmpl-");
    private final long created = Instant.now().getEpochSecond();
    private final ServedModels served;
    private volatile String model = "";

    CompletionJson(ServedModels served) {
        this.served = served;
    }

    /// Chunks of one choice differ in their text alone.
    private final Map<Integer, TextFrame> frames = new ConcurrentHashMap<>();

    /// A model answers now, and does until all is answered.
    void begins() {
        model = served.loaded().orElse("");
    }

    private ObjectNode root() {
        return JsonNodeFactory.instance.objectNode().put("id", id).put("object", "text_completion").put("created", created)
                .put("model", model);
    }

    private static String finishReason(ChatAnswer answer) {
        return answer.finishReason() == FinishReason.LENGTH ? "length" : "stop";
    }

    ObjectNode whole(List<ChatAnswer> answers, CompletionInput input) {
        ObjectNode root = root();
        ArrayNode choices = root.putArray("choices");
        for (ChatAnswer answer : answers) {
            put(choices.addObject(), choices.size() - 1, answer.text(), answer.logprobs(), finishReason(answer));
        }
        putUsage(root, answers, input);
        UsageJson.putTimings(root.putObject("timings"), answers);
        return root;
    }

    /// What comes to an answer.
    String chunk(int choice, String text, List<Logprobs> logprobs) {
        return logprobs.isEmpty() ? frame(choice).around(text) : tree(choice, text, logprobs, null);
    }

    /// The end of an answer.
    String lastChunk(int choice, ChatAnswer answer) {
        return tree(choice, "", List.of(), finishReason(answer));
    }

    private String tree(int choice, String text, List<Logprobs> logprobs, String finishReason) {
        ObjectNode root = root();
        put(root.putArray("choices").addObject(), choice, text, logprobs, finishReason);
        return root.toString();
    }

    private TextFrame frame(int choice) {
        return frames.computeIfAbsent(choice, each -> TextFrame.of(text -> tree(each, text, List.of(), null)));
    }

    String usage(List<ChatAnswer> answers, CompletionInput input) {
        ObjectNode root = root();
        root.putArray("choices");
        putUsage(root, answers, input);
        return root.toString();
    }

    private static void putUsage(ObjectNode root, List<ChatAnswer> answers, CompletionInput input) {
        long prompt = 0;
        long generated = 0;
        for (int i = 0; i < answers.size(); i++) {
            prompt += i % input.choices() == 0 ? answers.get(i).usage().promptTokens() : 0;
            generated += answers.get(i).usage().generatedTokens();
        }
        root.putObject("usage").put("prompt_tokens", prompt).put("completion_tokens", generated).put("total_tokens", prompt + generated);
    }

    private static void put(ObjectNode choice, int index, String text, List<Logprobs> logprobs, String finishReason) {
        choice.put("index", index).put("text", text);
        if (logprobs.isEmpty()) {
            choice.putNull("logprobs");
        } else {
            putLogprobs(choice.putObject("logprobs"), logprobs);
        }
        choice.put("finish_reason", finishReason);
    }

    private static void putLogprobs(ObjectNode node, List<Logprobs> logprobs) {
        ArrayNode tokens = node.putArray("tokens");
        ArrayNode chosen = node.putArray("token_logprobs");
        ArrayNode top = node.putArray("top_logprobs");
        ArrayNode offsets = node.putArray("text_offset");
        int offset = 0;
        for (Logprobs each : logprobs) {
            tokens.add(each.token().text());
            chosen.add(ChatCompletionJson.finite(each.token().logprob()));
            ObjectNode alternatives = top.addObject();
            for (TokenLogprob alternative : each.alternatives()) {
                alternatives.put(alternative.text(), ChatCompletionJson.finite(alternative.logprob()));
            }
            offsets.add(offset);
            offset += each.token().text().length();
        }
    }
}
