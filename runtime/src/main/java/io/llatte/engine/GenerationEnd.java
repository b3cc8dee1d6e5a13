package io.llatte.engine;

import io.llatte.llama.FinishReason;
import io.llatte.llama.Timings;
import io.llatte.llama.Usage;
import java.util.Optional;

/// How a request ended.
///
/// @param finishReason why; [FinishReason#CANCELLED] where it failed
/// @param usage its tokens
/// @param timings its times
/// @param failure what its reader is thrown
public record GenerationEnd(FinishReason finishReason, Usage usage, Timings timings, Optional<RuntimeException> failure) {
}
