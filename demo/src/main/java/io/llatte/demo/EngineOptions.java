package io.llatte.demo;

import io.llatte.llama.ContextOptions;
import io.llatte.llama.ModelInfo;
import io.llatte.llama.ModelOptions;
import picocli.CommandLine.Option;

/// How a model is placed and how much it can keep in mind.
final class EngineOptions {

    private static final int DEFAULT_CONTEXT = ContextOptions.defaults().contextLength();

    private static final int MAX_THREADS = 512;

    @Option(names = "--context", paramLabel = "N",
            description = "Tokens that question, answer and history may have together; 0: the model's maximum. Default: 4096")
    private Integer context;

    @Option(names = "--gpu-layers", paramLabel = "N", defaultValue = "-1",
            description = "Layers to put on GPUs; 0: none, -1: all. Default: ${DEFAULT-VALUE}")
    private int gpuLayers;

    @Option(names = "--threads", paramLabel = "N", defaultValue = "0",
            description = "CPU threads; 0: one for each physical core. Default: ${DEFAULT-VALUE}")
    private int threads;

    /// Refuses numbers out of their range, before a model is loaded for them.
    ///
    /// @throws Misuse if one is
    void check() {
        Misuse.unless(context == null || context >= 0, "--context must be 0 or more: " + context);
        Misuse.unless(gpuLayers >= -1, "--gpu-layers must be -1 or more: " + gpuLayers);
        Misuse.unless(threads >= 0 && threads <= MAX_THREADS, "--threads must be 0 to " + MAX_THREADS + ": " + threads);
    }

    ModelOptions modelOptions() {
        return ModelOptions.builder().gpuLayers(gpuLayers).build();
    }

    ContextOptions contextOptions(ModelInfo info) {
        int length = context != null ? context : Math.min(DEFAULT_CONTEXT, Math.max(1, info.trainingContextLength()));
        return ContextOptions.builder().contextLength(length).threads(threads).batchThreads(threads).build();
    }
}
