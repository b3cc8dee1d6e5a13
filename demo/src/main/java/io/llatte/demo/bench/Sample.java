package io.llatte.demo.bench;

/// How long one run of a workload took.
///
/// @param promptTokens prompt tokens that were evaluated, over all sequences
/// @param promptNanos until all prompts were evaluated
/// @param generatedTokens generated tokens, over all sequences
/// @param generationNanos the time in which these came
/// @param totalNanos all of it; where sequences do not wait for each other the two parts overlap
public record Sample(long promptTokens, long promptNanos, long generatedTokens, long generationNanos, long totalNanos) {

    /// A run whose parts follow each other.
    static Sample of(long promptTokens, long promptNanos, long generatedTokens, long generationNanos) {
        return new Sample(promptTokens, promptNanos, generatedTokens, generationNanos, promptNanos + generationNanos);
    }

    /// Prompt tokens per second.
    public double promptRate() {
        return perSecond(promptTokens, promptNanos);
    }

    /// Generated tokens per second.
    public double generationRate() {
        return perSecond(generatedTokens, generationNanos);
    }

    /// Tokens of both kinds per second.
    public double rate() {
        return perSecond(promptTokens + generatedTokens, totalNanos);
    }

    private static double perSecond(long tokens, long nanos) {
        return nanos == 0 ? 0 : tokens * 1e9 / nanos;
    }
}
