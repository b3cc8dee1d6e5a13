package io.llatte.engine;

import io.llatte.llama.TokenStream;
import java.util.function.Consumer;

/// A model that answers. Any thread may ask; the caller closes it.
public sealed interface Engine extends AutoCloseable permits InProcessEngine, RemoteEngine {

    /// What the application calls the model.
    String modelId();

    /// Where it runs, and why there.
    PlacementReport placement();

    /// Starts an answer. A reader that falls far behind pauses it, and none but it; a stream that is dropped without being closed is cancelled.
    ///
    /// @param whenEnded called once, before the reader learns of the end, mostly on the engine's thread; it must not block, and what it throws is
    ///        logged and goes no further
    /// @throws io.llatte.ContextOverflowException if the prompt can never fit
    /// @throws io.llatte.EngineBusyException if too many requests wait
    /// @throws io.llatte.EngineClosedException if the engine is closed
    TokenStream generate(GenerationRequest request, Consumer<GenerationEnd> whenEnded);

    /// Whether answers pause whose readers fall behind, as they do at first. An engine that is to come to an end does not wait for readers.
    void waitForReaders(boolean waits);

    /// Cancels what runs and what waits, waits for it, and frees the model. Idempotent; any thread.
    @Override
    void close();
}
