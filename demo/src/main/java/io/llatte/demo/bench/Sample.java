package io.llatte.demo.bench;

import java.util.Optional;

/// How long one run of a workload took.
///
/// @param promptTokens prompt tokens that were evaluated, over all sequences
/// @param promptNanos until all prompts were evaluated
/// @param generatedTokens generated tokens, over all sequences
/// @param generation the time in which all sequences generated; empty where nothing was generated or too little to say
/// @param totalNanos all of it; where sequences do not wait for each other it is not the sum of the parts
public record Sample(long promptTokens, long promptNanos, long generatedTokens, Optional<Window> generation, long totalNanos) {

    /// A run whose parts follow each other.
    static Sample of(long promptTokens, long promptNanos, long generatedTokens, long generationNanos) {
        Optional<Window> generation = generatedTokens == 0 || generationNanos == 0 ? Optional.empty()
                : Optional.of(new Window(generatedTokens, generationNanos));
        return new Sample(promptTokens, promptNanos, generatedTokens, generation, promptNanos + generationNanos);
    }

    /// Prompt tokens per second.
    public double promptRate() {
        return perSecond(promptTokens, promptNanos);
    }

    /// Tokens of both kinds per second.
    public double rate() {
        return perSecond(promptTokens + generatedTokens, totalNanos);
    }

    private static double perSecond(long tokens, long nanos) {
        return nanos == 0 ? 0 : tokens * 1e9 / nanos;
    }
}
