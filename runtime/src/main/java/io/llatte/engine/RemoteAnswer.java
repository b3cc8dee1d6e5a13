package io.llatte.engine;

import com.fasterxml.jackson.databind.JsonNode;
import io.llatte.BackendUnavailableException;
import io.llatte.llama.DraftStatistics;
import io.llatte.llama.FinishReason;
import io.llatte.llama.Logprobs;
import io.llatte.llama.Timings;
import io.llatte.llama.Token;
import io.llatte.llama.Usage;
import java.time.Duration;
import java.util.List;
import java.util.Optional;

/// What a server has said so far. The server counts the tokens; until it says how many, each piece of text counts as one.
final class RemoteAnswer {

    /// A server tells no ids.
    private static final int NO_ID = -1;

    private final TokenChannel channel;
    private final long startNanos = System.nanoTime();
    private long firstNanos;
    private long lastNanos;
    private int pieces;
    private Usage usage;
    private FinishReason finishReason;

    RemoteAnswer(TokenChannel channel) {
        this.channel = channel;
    }

    /// A piece of text, and the log-probabilities of the tokens that it is of, where they were asked for: then each is a token, and the last one
    /// carries the text.
    void add(String text, List<Logprobs> logprobs) {
        for (int i = 0; i < logprobs.size() - 1; i++) {
            add(new Token(NO_ID, "", Optional.of(logprobs.get(i))));
        }
        if (!text.isEmpty() || !logprobs.isEmpty()) {
            add(new Token(NO_ID, text, logprobs.isEmpty() ? Optional.empty() : Optional.of(logprobs.getLast())));
        }
    }

    /// A piece that carries no text: of the reasoning, or of a call.
    void addSilently() {
        add(new Token(NO_ID, ""));
    }

    private void add(Token token) {
        lastNanos = System.nanoTime();
        if (pieces++ == 0) {
            firstNanos = lastNanos;
        }
        channel.add(token, soFar());
    }

    void finished(String reason) {
        finishReason = reason.equals("length") ? FinishReason.LENGTH : FinishReason.EOG;
    }

    void usage(JsonNode node) {
        usage = new Usage(node.path("prompt_tokens").asInt(), node.path("prompt_tokens_details").path("cached_tokens").asInt(),
                node.path("completion_tokens").asInt());
    }

    private Usage soFar() {
        return usage != null ? usage : new Usage(0, 0, pieces);
    }

    /// The connection is at its end.
    ///
    /// @throws BackendUnavailableException if the answer is not
    void end() {
        if (finishReason == null) {
            throw new BackendUnavailableException("the server's answer ended after %d pieces without saying why".formatted(pieces));
        }
        end(finishReason);
    }

    void end(FinishReason reason) {
        Duration toFirst = pieces == 0 ? Duration.ZERO : Duration.ofNanos(firstNanos - startNanos);
        Duration decode = pieces == 0 ? Duration.ZERO : Duration.ofNanos(lastNanos - firstNanos);
        int decoded = soFar().generatedTokens() - 1;
        double rate = decoded <= 0 || decode.isZero() ? 0 : decoded * 1e9 / decode.toNanos();
        channel.end(reason, soFar(), new Timings(Duration.ZERO, Duration.ZERO, toFirst, decode, 0, rate, DraftStatistics.NONE));
    }
}
