package io.llatte.demo.openai;

import io.helidon.webserver.http.ServerRequest;
import io.helidon.webserver.http.ServerResponse;
import io.llatte.ChatAnswer;
import io.llatte.ChatOptions;
import io.llatte.LocalLlm;
import io.llatte.demo.http.HttpServer;
import io.llatte.demo.llm.ServedModels;
import io.llatte.engine.AnswerStream;
import io.llatte.llama.ChatMessage;
import io.llatte.llama.FinishReason;
import io.llatte.llama.Logprobs;
import io.llatte.llama.Token;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CancellationException;
import java.util.function.BiConsumer;
import java.util.function.Consumer;

/// `/v1/completions`: a text goes on, or a gap in it is filled, without a chat format.
final class Completions {

    /// So long, tokens that come together go together.
    private static final long FRAME_NANOS = 16_000_000;

    private final LocalLlm llm;
    private final ServedModels served;

    Completions(LocalLlm llm, ServedModels served) {
        this.llm = llm;
        this.served = served;
    }

    /// What comes to an answer.
    private record Part(String text, List<Logprobs> logprobs) {
    }

    void answer(ServerRequest request, ServerResponse response) {
        CompletionInput input = CompletionInput.of(HttpServer.body(request), served);
        var json = new CompletionJson(served);
        if (!input.streams()) {
            HttpServer.send(response, 200, json.whole(run(input, json::begins, (_, _) -> { }), input));
            return;
        }
        var events = new LazyEventStream(response);
        events.run(() -> {
            List<ChatAnswer> answers = run(input, () -> {
                json.begins();
                events.open();
            }, (choice, part) -> events.open().send(json.chunk(choice, part.text, part.logprobs)));
            for (int choice = 0; choice < answers.size(); choice++) {
                events.open().send(json.lastChunk(choice, answers.get(choice)));
            }
            if (input.includesUsage()) {
                events.open().send(json.usage(answers, input));
            }
            events.open().send("[DONE]");
        }, failure -> events.open().send(failure.toString()));
    }

    /// All answers, those of each prompt after one another.
    private List<ChatAnswer> run(CompletionInput input, Runnable begins, BiConsumer<Integer, Part> listener) {
        try (var calls = new ClientCalls()) {
            return Answers.parallel(calls, input.prompts().size() * input.choices(), choice -> {
                ChatOptions options = Answers.forChoice(input.options(), choice % input.choices());
                String prompt = input.prompts().get(choice / input.choices());
                return calls.reading(() -> input.suffix().map(suffix -> llm.streamInfill(prompt, suffix, options))
                        .orElseGet(() -> llm.streamCompletion(prompt, options)), stream -> stream::cancel, stream -> {
                            begins.run();
                            return read(stream, choice, listener);
                        });
            });
        }
    }

    private static ChatAnswer read(AnswerStream stream, int choice, BiConsumer<Integer, Part> listener) {
        var parts = new Parts(part -> listener.accept(choice, part));
        while (stream.hasNext()) {
            parts.add(stream.next());
            if (!stream.isReady() || parts.isFrameOver()) {
                parts.tell();
            }
        }
        parts.tell();
        if (stream.finishReason() == FinishReason.CANCELLED) {
            throw new CancellationException("the answer was cancelled: its model was unloaded or exchanged, or the server stops");
        }
        return new ChatAnswer(ChatMessage.assistant(parts.text.toString()), stream.finishReason(), stream.usage(), stream.timings(), parts.logprobs);
    }

    /// An answer as far as it came, and how much of it was told.
    private static final class Parts {

        private final StringBuilder text = new StringBuilder();
        private final List<Logprobs> logprobs = new ArrayList<>();
        private final Consumer<Part> listener;
        private int told;
        private int scored;
        private long lastTold;

        private Parts(Consumer<Part> listener) {
            this.listener = listener;
        }

        void add(Token token) {
            text.append(token.text());
            token.logprobs().ifPresent(logprobs::add);
        }

        boolean isFrameOver() {
            return System.nanoTime() - lastTold > FRAME_NANOS;
        }

        void tell() {
            if (text.length() > told || logprobs.size() > scored) {
                listener.accept(new Part(text.substring(told), List.copyOf(logprobs.subList(scored, logprobs.size()))));
                told = text.length();
                scored = logprobs.size();
                lastTold = System.nanoTime();
            }
        }
    }
}
