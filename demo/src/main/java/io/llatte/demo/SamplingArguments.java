package io.llatte.demo;

import io.llatte.llama.SamplingOptions;
import picocli.CommandLine.Option;

/// How tokens are chosen, as the command line says it. The defaults are those of llama.cpp's own tools.
final class SamplingArguments {

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
            description = "Make the last 64 tokens less probable; 1: not. Default: ${DEFAULT-VALUE}")
    private float repeatPenalty;

    @Option(names = "--seed", paramLabel = "N", description = "The same seed gives the same answer. Default: random")
    private Integer seed;

    /// What was asked for.
    ///
    /// @throws Misuse if a number is out of its range, before a model is loaded for it
    SamplingOptions options() {
        SamplingOptions.Builder options = SamplingOptions.builder().temperature(temperature).topK(topK).topP(topP).minP(minP)
                .repeatPenalty(repeatPenalty);
        if (seed != null) {
            options.seed(seed);
        }
        return Misuse.ofOption(options::build);
    }
}
