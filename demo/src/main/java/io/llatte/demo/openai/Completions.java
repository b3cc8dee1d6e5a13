package io.llatte.demo.openai;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.helidon.webserver.http.ServerRequest;
import io.helidon.webserver.http.ServerResponse;
import io.llatte.ChatAnswer;
import io.llatte.ChatOptions;
import io.llatte.LocalLlm;
import io.llatte.demo.http.HttpFailure;
import io.llatte.demo.http.HttpServer;
import io.llatte.demo.http.JsonInput;
import io.llatte.demo.llm.ServedModels;
import io.llatte.engine.AnswerStream;
import io.llatte.llama.ChatMessage;
import io.llatte.llama.FinishReason;
import io.llatte.llama.Logprobs;
import io.llatte.llama.Token;
import io.llatte.llama.TokenLogprob;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CancellationException;
import java.util.function.BiConsumer;

/// `/v1/completions`: a text goes on, or a gap in it is filled, without a chat format.
final class Completions {

    private static final int MOST_LOGPROBS = 5;

    /// So long, tokens that come together go together.
    private static final long FRAME_NANOS = 16_000_000;

    /// The protocol's own; chat completions have none.
    private static final int DEFAULT_TOKENS = 16;

    private final LocalLlm llm;
    private final ServedModels served;

    Completions(LocalLlm llm, ServedModels served) {
        this.llm = llm;
        this.served = served;
    }

    /// What is asked for.
    ///
    /// @param suffix what stands behind the gap that is to be filled; empty to go on
    /// @param choices answers to each prompt
    private record Input(List<String> prompts, Optional<String> suffix, ChatOptions options, int choices, boolean streams, boolean includesUsage) {

        static Input of(JsonInput body, ServedModels served) {
            List<String> prompts = body.strings("prompt");
            int choices = (int) body.integer("n", 1, ChatCompletionInput.MOST_CHOICES).orElse(1);
            if (prompts.isEmpty() || prompts.size() * choices > ChatCompletionInput.MOST_CHOICES) {
                throw body.bad("prompt", "must have 1 to %d texts".formatted(ChatCompletionInput.MOST_CHOICES / choices));
            }
            if (body.bool("echo", false)) {
                throw HttpFailure.unsupported("echo", "'echo' is not supported");
            }
            if (body.integer("best_of", 1, ChatCompletionInput.MOST_CHOICES).orElse(choices) != choices) {
                throw HttpFailure.unsupported("best_of", "'best_of' is not supported");
            }
            ChatOptions.Builder options = SamplingInput.options(body, "max_tokens");
            if (!body.has("max_tokens")) {
                options.maxTokens(DEFAULT_TOKENS);
            }
            body.integer("logprobs", 0, MOST_LOGPROBS).ifPresent(count -> options.topLogprobs((int) count));
            served.forRequest(body.string("model")).ifPresent(options::model);
            return new Input(prompts, body.string("suffix"), options.build(), choices, body.bool("stream", false),
                    body.object("stream_options").map(each -> each.bool("include_usage", false)).orElse(false));
        }
    }

    /// What comes to an answer.
    private record Part(String text, List<Logprobs> logprobs) {
    }

    void answer(ServerRequest request, ServerResponse response) {
        Input input = Input.of(HttpServer.body(request), served);
        var json = new Json();
        if (!input.streams) {
            HttpServer.send(response, 200, json.whole(run(input, () -> { }, (_, _) -> { }), input));
            return;
        }
        var events = new LazyEventStream(response);
        events.run(() -> {
            List<ChatAnswer> answers = run(input, events::open, (choice, part) -> events.open().send(json.chunk(choice, part.text, part.logprobs, null)));
            for (int choice = 0; choice < answers.size(); choice++) {
                events.open().send(json.chunk(choice, "", List.of(), finishReason(answers.get(choice))));
            }
            if (input.includesUsage) {
                events.open().send(json.usage(answers, input));
            }
            events.open().send("[DONE]");
        }, failure -> events.open().send(failure.toString()));
    }

    /// All answers, those of each prompt after one another.
    private List<ChatAnswer> run(Input input, Runnable begins, BiConsumer<Integer, Part> listener) {
        try (var calls = new ClientCalls()) {
            return Answers.parallel(calls, input.prompts.size() * input.choices, choice -> {
                ChatOptions options = Answers.forChoice(input.options, choice % input.choices);
                String prompt = input.prompts.get(choice / input.choices);
                return calls.reading(() -> input.suffix.map(suffix -> llm.streamInfill(prompt, suffix, options))
                        .orElseGet(() -> llm.streamCompletion(prompt, options)), stream -> stream::cancel, stream -> {
                            begins.run();
                            return read(stream, choice, listener);
                        });
            });
        }
    }

    private static ChatAnswer read(AnswerStream stream, int choice, BiConsumer<Integer, Part> listener) {
        var text = new StringBuilder();
        List<Logprobs> logprobs = new ArrayList<>();
        int told = 0;
        int scored = 0;
        long lastTold = 0;
        while (stream.hasNext()) {
            Token token = stream.next();
            text.append(token.text());
            token.logprobs().ifPresent(logprobs::add);
            if ((!stream.isReady() || System.nanoTime() - lastTold > FRAME_NANOS) && (text.length() > told || logprobs.size() > scored)) {
                listener.accept(choice, new Part(text.substring(told), List.copyOf(logprobs.subList(scored, logprobs.size()))));
                told = text.length();
                scored = logprobs.size();
                lastTold = System.nanoTime();
            }
        }
        if (text.length() > told || logprobs.size() > scored) {
            listener.accept(choice, new Part(text.substring(told), List.copyOf(logprobs.subList(scored, logprobs.size()))));
        }
        if (stream.finishReason() == FinishReason.CANCELLED) {
            throw new CancellationException("the answer was cancelled: its model was unloaded or exchanged, or the server stops");
        }
        return new ChatAnswer(ChatMessage.assistant(text.toString()), stream.finishReason(), stream.usage(), stream.timings(), logprobs);
    }

    private static String finishReason(ChatAnswer answer) {
        return answer.finishReason() == FinishReason.LENGTH ? "length" : "stop";
    }

    /// One completion as JSON.
    private final class Json {

        private final String id = Ids.next("cmpl-");
        private final long created = Instant.now().getEpochSecond();

        private ObjectNode root() {
            return JsonNodeFactory.instance.objectNode().put("id", id).put("object", "text_completion").put("created", created)
                    .put("model", served.loaded().orElse(""));
        }

        ObjectNode whole(List<ChatAnswer> answers, Input input) {
            ObjectNode root = root();
            ArrayNode choices = root.putArray("choices");
            for (ChatAnswer answer : answers) {
                put(choices.addObject(), choices.size() - 1, answer.text(), answer.logprobs(), finishReason(answer));
            }
            putUsage(root, answers, input);
            UsageJson.putTimings(root.putObject("timings"), answers);
            return root;
        }

        String chunk(int choice, String text, List<Logprobs> logprobs, String finishReason) {
            ObjectNode root = root();
            put(root.putArray("choices").addObject(), choice, text, logprobs, finishReason);
            return root.toString();
        }

        String usage(List<ChatAnswer> answers, Input input) {
            ObjectNode root = root();
            root.putArray("choices");
            putUsage(root, answers, input);
            return root.toString();
        }

        private static void putUsage(ObjectNode root, List<ChatAnswer> answers, Input input) {
            long prompt = 0;
            long generated = 0;
            for (int i = 0; i < answers.size(); i++) {
                prompt += i % input.choices == 0 ? answers.get(i).usage().promptTokens() : 0;
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
}
