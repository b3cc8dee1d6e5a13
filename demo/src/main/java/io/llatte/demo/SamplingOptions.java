package io.llatte.demo;

import io.llatte.llama.Model;
import io.llatte.llama.Sampler;
import java.util.concurrent.ThreadLocalRandom;
import picocli.CommandLine.Option;

/// How tokens are chosen. The defaults are those of llama.cpp's own tools.
final class SamplingOptions {

    private static final int PENALTY_TOKENS = 64;

    @Option(names = "--temperature", paramLabel = "T", defaultValue = "0.8",
            description = "Randomness; 0 always takes the most probable token. Default: ${DEFAULT-VALUE}")
    private float temperature;

    @Option(names = "--top-k", paramLabel = "K", defaultValue = "40",
            description = "Choose among the K most probable tokens; 0: all. Default: ${DEFAULT-VALUE}")
    private int topK;

    @Option(names = "--top-p", paramLabel = "P", defaultValue = "0.95",
            description = "Choose among the most probable tokens that reach P together; 1: all. Default: ${DEFAULT-VALUE}")
    private float topP;

    @Option(names = "--min-p", paramLabel = "P", defaultValue = "0.05",
            description = "Choose among tokens at least P times as probable as the best; 0: all. Default: ${DEFAULT-VALUE}")
    private float minP;

    @Option(names = "--repeat-penalty", paramLabel = "R", defaultValue = "1.0",
            description = "Make the last " + PENALTY_TOKENS + " tokens less probable; 1: not. Default: ${DEFAULT-VALUE}")
    private float repeatPenalty;

    @Option(names = "--seed", paramLabel = "N", description = "The same seed gives the same answer. Default: random")
    private Integer seed;

    /// Refuses numbers out of their range, before a model is loaded for them.
    ///
    /// @throws Misuse if one is
    void check() {
        Misuse.unless(temperature >= 0 && Float.isFinite(temperature), "--temperature must be 0 or more: " + temperature);
        Misuse.unless(topK >= 0, "--top-k must be 0 or more: " + topK);
        Misuse.unless(topP > 0 && topP <= 1, "--top-p must be above 0 and at most 1: " + topP);
        Misuse.unless(minP >= 0 && minP <= 1, "--min-p must be 0 to 1: " + minP);
        Misuse.unless(repeatPenalty > 0 && Float.isFinite(repeatPenalty), "--repeat-penalty must be above 0: " + repeatPenalty);
    }

    /// The sampler, which the caller closes.
    Sampler newSampler(Model model) {
        Sampler.Builder builder = Sampler.builder(model);
        if (repeatPenalty != 1) {
            builder.penalties(PENALTY_TOKENS, repeatPenalty, 0, 0);
        }
        if (temperature == 0) {
            return builder.greedy().build();
        }
        int chosenSeed = seed == null ? ThreadLocalRandom.current().nextInt() : seed;
        return builder.topK(topK).topP(topP).minP(minP).temperature(temperature).dist(chosenSeed).build();
    }
}
