package io.llatte.engine;

import io.llatte.llama.FinishReason;
import io.llatte.llama.Timings;
import io.llatte.llama.Usage;
import java.util.Optional;
import java.util.function.Consumer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// How a request ended.
///
/// @param finishReason why; [FinishReason#CANCELLED] where it failed
/// @param usage its tokens
/// @param timings its times
/// @param failure what its reader is thrown
public record GenerationEnd(FinishReason finishReason, Usage usage, Timings timings, Optional<RuntimeException> failure) {

    private static final Logger LOG = LoggerFactory.getLogger(GenerationEnd.class);

    /// Tells who wanted to know. What that throws is its own: it is logged, and the engine and the reader go on.
    void tell(Consumer<GenerationEnd> whenEnded) {
        try {
            whenEnded.accept(this);
        } catch (RuntimeException | Error e) {
            LOG.error("what is called when a request ends failed on {}", finishReason, e);
        }
    }
}
