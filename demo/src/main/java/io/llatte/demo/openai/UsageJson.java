package io.llatte.demo.openai;

import com.fasterxml.jackson.databind.node.ObjectNode;
import io.llatte.ChatAnswer;
import io.llatte.llama.Timings;
import io.llatte.llama.Usage;
import java.time.Duration;
import java.util.List;

/// What answers took.
final class UsageJson {

    private UsageJson() {
    }

    /// The prompt is one, however many answers it has.
    static void put(ObjectNode node, List<ChatAnswer> answers) {
        Usage first = answers.getFirst().usage();
        long generated = answers.stream().mapToLong(answer -> answer.usage().generatedTokens()).sum();
        node.put("prompt_tokens", first.promptTokens()).put("completion_tokens", generated).put("total_tokens", first.promptTokens() + generated);
        node.putObject("prompt_tokens_details").put("cached_tokens", first.cachedTokens());
        node.putObject("completion_tokens_details").put("reasoning_tokens", answers.stream().mapToLong(UsageJson::reasoningTokens).sum());
    }

    /// As many of the answer's tokens as its characters have their share in it: where the reasoning ended in the tokens is not kept.
    static long reasoningTokens(ChatAnswer answer) {
        long reasoning = answer.reasoning().length();
        long others = answer.text().length() + answer.toolCalls().stream().mapToLong(call -> call.name().length() + call.arguments().length()).sum();
        return reasoning == 0 ? 0 : Math.round((double) answer.usage().generatedTokens() * reasoning / (reasoning + others));
    }

    /// The first answer's times, as llama-server names them.
    static void putTimings(ObjectNode node, List<ChatAnswer> answers) {
        Timings timings = answers.getFirst().timings();
        node.put("prompt_ms", millis(timings.prefill())).put("predicted_ms", millis(timings.decode()))
                .put("prompt_per_second", rounded(timings.prefillTokensPerSecond())).put("predicted_per_second", rounded(timings.tokensPerSecond()))
                .put("ttft_ms", millis(timings.timeToFirstToken()));
    }

    private static double millis(Duration duration) {
        return rounded(duration.toNanos() / 1e6);
    }

    private static double rounded(double value) {
        return Math.round(value * 100) / 100.0;
    }
}
