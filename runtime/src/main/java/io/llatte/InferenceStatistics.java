package io.llatte;

import io.llatte.llama.Timings;
import io.llatte.llama.Usage;
import java.time.Duration;

/// What requests took, since the [LocalLlm] was made. Failed ones are not counted.
///
/// @param count requests that ended
/// @param generatedTokens their tokens
/// @param decodedTokens those that the rate is of: each request's after its first
/// @param decodeTime what these took
/// @param totalTime from each request's first evaluation to its last token
public record InferenceStatistics(long count, long generatedTokens, long decodedTokens, Duration decodeTime, Duration totalTime) {

    static final InferenceStatistics NONE = new InferenceStatistics(0, 0, 0, Duration.ZERO, Duration.ZERO);

    InferenceStatistics plus(Usage usage, Timings timings) {
        return new InferenceStatistics(count + 1, generatedTokens + usage.generatedTokens(),
                decodedTokens + Math.max(0, usage.generatedTokens() - 1), decodeTime.plus(timings.decode()),
                totalTime.plus(timings.timeToFirstToken()).plus(timings.decode()));
    }

    /// Tokens per second over all requests; 0 before there is one.
    public double averageTokensPerSecond() {
        return decodeTime.isZero() ? 0 : decodedTokens * 1e9 / decodeTime.toNanos();
    }

    /// A request's time on average.
    public Duration averageTime() {
        return count == 0 ? Duration.ZERO : totalTime.dividedBy(count);
    }
}
