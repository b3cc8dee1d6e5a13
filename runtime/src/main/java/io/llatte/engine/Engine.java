package io.llatte.engine;

import io.llatte.llama.TokenStream;
import java.util.function.Consumer;

/// A model that answers. Any thread may ask; the caller closes it.
public sealed interface Engine extends AutoCloseable permits InProcessEngine, RemoteEngine {

    /// What the application calls the model.
    String modelId();

    /// Where it runs, and why there.
    PlacementReport placement();

    /// Starts an answer, which comes whether anybody reads it or not.
    ///
    /// @param whenEnded called once, before the reader learns of the end, mostly on the engine's thread; it must not block
    /// @throws io.llatte.EngineClosedException if the engine is closed
    TokenStream generate(GenerationRequest request, Consumer<GenerationEnd> whenEnded);

    /// Cancels what runs and what waits, waits for it, and frees the model. Idempotent; any thread.
    @Override
    void close();
}
