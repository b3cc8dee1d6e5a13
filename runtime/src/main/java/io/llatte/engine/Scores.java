package io.llatte.engine;

import java.util.Arrays;

/// What a model thinks of a given text, as far as it was evaluated. Written by the decode loop, read when the request has ended.
final class Scores {

    /// The first token that is scored; those before are only read.
    final int from;

    /// Whether it may begin with what was evaluated for others; their rows were computed in other batches, and rounded otherwise.
    final boolean reuses;

    private final float[] logprobs;

    /// @param from at least 1: a token is scored by what stands before it
    /// @param to the end of the tokens
    Scores(int from, int to, boolean reuses) {
        this.from = from;
        this.reuses = reuses;
        this.logprobs = new float[to - from];
    }

    /// @param first which token of the text they begin with
    void put(int first, float[] scored) {
        System.arraycopy(scored, 0, logprobs, first - from, scored.length);
    }

    /// The log-probability of each token from `from` on.
    float[] logprobs() {
        return Arrays.copyOf(logprobs, logprobs.length);
    }
}
