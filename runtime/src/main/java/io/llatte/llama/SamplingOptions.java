package io.llatte.llama;

import java.util.OptionalInt;
import java.util.concurrent.ThreadLocalRandom;

/// How a chat's tokens are chosen: the usual stages, in llama.cpp's order. [Sampler#builder(Model)] has all others. Immutable.
///
/// @param temperature divides the logits, at least 0; 0 always takes the most probable token
/// @param topK keeps the `topK` most probable tokens; 0 keeps all
/// @param topP keeps the most probable tokens up to this probability; 1 keeps all
/// @param minP keeps the tokens of at least this part of the best one's probability; 0 keeps all
/// @param repeatPenalty divides the logits of the last 64 tokens, above 0; 1 for none
/// @param frequencyPenalty subtracted for each time a token came in these; 0 for none
/// @param presencePenalty subtracted once for a token that came in these; 0 for none
/// @param seed the start of random choice; empty for a new one each time
public record SamplingOptions(float temperature, int topK, float topP, float minP, float repeatPenalty, float frequencyPenalty,
                              float presencePenalty, OptionalInt seed) {

    private static final int PENALTY_TOKENS = 64;

    public SamplingOptions {
        check(temperature >= 0 && Float.isFinite(temperature), "temperature must be 0 or more", temperature);
        check(topK >= 0, "topK must be 0 or more", topK);
        check(topP > 0 && topP <= 1, "topP must be above 0 and at most 1", topP);
        check(minP >= 0 && minP <= 1, "minP must be 0 to 1", minP);
        check(repeatPenalty > 0 && Float.isFinite(repeatPenalty), "repeatPenalty must be above 0", repeatPenalty);
        check(Float.isFinite(frequencyPenalty), "frequencyPenalty must be a number", frequencyPenalty);
        check(Float.isFinite(presencePenalty), "presencePenalty must be a number", presencePenalty);
    }

    private static void check(boolean holds, String rule, Number value) {
        if (!holds) {
            throw new IllegalArgumentException(rule + ": " + value);
        }
    }

    public static SamplingOptions defaults() {
        return builder().build();
    }

    /// The most probable token, always.
    public static SamplingOptions greedy() {
        return builder().temperature(0).build();
    }

    public static Builder builder() {
        return new Builder();
    }

    public Builder toBuilder() {
        var builder = new Builder();
        builder.temperature = temperature;
        builder.topK = topK;
        builder.topP = topP;
        builder.minP = minP;
        builder.repeatPenalty = repeatPenalty;
        builder.frequencyPenalty = frequencyPenalty;
        builder.presencePenalty = presencePenalty;
        builder.seed = seed;
        return builder;
    }

    /// The chain that these describe. The caller closes it.
    ///
    /// @throws IllegalStateException if the model is closed
    public Sampler newSampler(Model model) {
        return chain(model).build();
    }

    /// The same chain, to be given a grammar.
    public Sampler.Builder chain(Model model) {
        Sampler.Builder chain = Sampler.builder(model);
        if (repeatPenalty != 1 || frequencyPenalty != 0 || presencePenalty != 0) {
            chain.penalties(PENALTY_TOKENS, repeatPenalty, frequencyPenalty, presencePenalty);
        }
        if (temperature == 0) {
            return chain.greedy();
        }
        if (topK > 0) {
            chain.topK(topK);
        }
        if (topP < 1) {
            chain.topP(topP);
        }
        if (minP > 0) {
            chain.minP(minP);
        }
        return chain.temperature(temperature).dist(seed.orElseGet(ThreadLocalRandom.current()::nextInt));
    }

    /// Collects options; see the record's parameters.
    public static final class Builder {

        private float temperature = 0.8f;
        private int topK = 40;
        private float topP = 0.95f;
        private float minP = 0.05f;
        private float repeatPenalty = 1;
        private float frequencyPenalty;
        private float presencePenalty;
        private OptionalInt seed = OptionalInt.empty();

        private Builder() {
        }

        public Builder temperature(float value) {
            temperature = value;
            return this;
        }

        public Builder topK(int value) {
            topK = value;
            return this;
        }

        public Builder topP(float value) {
            topP = value;
            return this;
        }

        public Builder minP(float value) {
            minP = value;
            return this;
        }

        public Builder repeatPenalty(float value) {
            repeatPenalty = value;
            return this;
        }

        public Builder frequencyPenalty(float value) {
            frequencyPenalty = value;
            return this;
        }

        public Builder presencePenalty(float value) {
            presencePenalty = value;
            return this;
        }

        public Builder seed(int value) {
            seed = OptionalInt.of(value);
            return this;
        }

        public SamplingOptions build() {
            return new SamplingOptions(temperature, topK, topP, minP, repeatPenalty, frequencyPenalty, presencePenalty, seed);
        }
    }
}
