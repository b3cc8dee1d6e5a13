package io.llatte.llama;

import io.llatte.internal.ffi.NativeContext;
import java.time.Duration;

/// llama.cpp's own counters of a context (`llama_perf_context`).
///
/// @param prefill time in prompt processing
/// @param generation time in one-token decodes
/// @param promptTokens tokens evaluated as prompts
/// @param generatedTokens one-token decodes
/// @param reusedGraphs how often a compute graph was used again
public record NativeCounters(Duration prefill, Duration generation, int promptTokens, int generatedTokens, int reusedGraphs) {

    private static final double NANOS_PER_MILLI = 1e6;

    static NativeCounters of(NativeContext.Perf perf) {
        return new NativeCounters(Duration.ofNanos((long) (perf.promptMillis() * NANOS_PER_MILLI)),
                Duration.ofNanos((long) (perf.generationMillis() * NANOS_PER_MILLI)), perf.promptTokens(), perf.generatedTokens(),
                perf.reusedGraphs());
    }
}
