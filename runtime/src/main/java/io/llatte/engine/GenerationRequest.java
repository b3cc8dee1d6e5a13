package io.llatte.engine;

import io.llatte.llama.SamplingOptions;
import java.util.List;
import java.util.Objects;

/// What an engine is asked for.
///
/// @param prompt what it goes on from
/// @param sampling how tokens are chosen
/// @param maxTokens at most so many, at least 1; the context's end is a limit too
/// @param stop texts that end the answer and are not part of it
/// @param ignoreEog whether to go on after an end-of-generation token
public record GenerationRequest(Prompt prompt, SamplingOptions sampling, int maxTokens, List<String> stop, boolean ignoreEog) {

    public GenerationRequest {
        Objects.requireNonNull(prompt, "prompt");
        Objects.requireNonNull(sampling, "sampling");
        if (maxTokens < 1) {
            throw new IllegalArgumentException("maxTokens must be at least 1: " + maxTokens);
        }
        stop = List.copyOf(stop);
        if (stop.stream().anyMatch(String::isEmpty)) {
            throw new IllegalArgumentException("a stop string must not be empty");
        }
    }
}
