package io.llatte.engine;

import io.llatte.NativeAssertionException;
import io.llatte.llama.Embedder;
import io.llatte.llama.EmbedderOptions;
import io.llatte.llama.Model;
import io.llatte.llama.Pooling;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CancellationException;
import java.util.concurrent.Executor;
import java.util.function.BiFunction;
import java.util.function.BooleanSupplier;

/// Embeds on the thread that decodes: a micro-batch between two of its steps, so that one thread computes at a time, and a running answer waits for a
/// micro-batch at most. Texts are tokenized by the callers. The contexts are made when they are first needed, one for each pooling that was asked
/// for, and go with the model.
final class LoopEmbedder {

    private final Model model;
    private final DecodeLoop loop;
    private final int threads;
    private final Map<Pooling, Embedder> embedders = new EnumMap<>(Pooling.class);

    LoopEmbedder(Model model, DecodeLoop loop, int threads) {
        this.model = model;
        this.loop = loop;
        this.threads = threads;
    }

    /// Calls an embedder, with what runs its batches.
    ///
    /// @param cancelled is asked before each
    /// @throws CancellationException if the thread is interrupted, which stays so, or this was cancelled
    /// @throws io.llatte.EngineClosedException if the loop has ended
    <T> T call(Pooling wanted, BooleanSupplier cancelled, BiFunction<Embedder, Executor, T> call) {
        Pooling pooling = model.embeddingInfo().resolve(wanted);
        Embedder embedder = loop.between(() -> embedder(pooling));
        try {
            return call.apply(embedder, stepsUntil(cancelled));
        } catch (NativeAssertionException e) {
            drop(pooling, embedder);
            throw e;
        }
    }

    private Executor stepsUntil(BooleanSupplier cancelled) {
        return step -> {
            if (cancelled.getAsBoolean()) {
                throw new CancellationException("what was to be embedded was cancelled");
            }
            loop.between(() -> {
                step.run();
                return null;
            });
        };
    }

    /// The loop's thread.
    private Embedder embedder(Pooling pooling) {
        synchronized (embedders) {
            return embedders.computeIfAbsent(pooling, missing ->
                    model.newEmbedder(EmbedderOptions.defaults().withPooling(missing).withThreads(threads)));
        }
    }

    /// A context in which llama.cpp failed an assertion can only be closed.
    private void drop(Pooling pooling, Embedder broken) {
        synchronized (embedders) {
            embedders.remove(pooling, broken);
        }
        broken.close();
    }

    /// Stops the batch that is computed now. The loop is to take no other.
    void cancel() {
        synchronized (embedders) {
            List.copyOf(embedders.values()).forEach(Embedder::cancel);
        }
    }
}
