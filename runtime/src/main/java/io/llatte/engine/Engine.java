package io.llatte.engine;

import io.llatte.llama.EmbeddingOptions;
import io.llatte.llama.Embeddings;
import io.llatte.llama.Reranking;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.function.BooleanSupplier;
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
    /// @throws io.llatte.ModelLoadException if an adapter is missing, none, or another model's
    /// @throws UnsupportedOperationException if a server is asked for adapters
    AnswerStream generate(GenerationRequest request, Consumer<GenerationEnd> whenEnded);

    /// How probable the model finds a text after a context. Evaluated beside what else runs, as a prompt is. The two are made tokens one by one: where
    /// the text begins in the middle of a word, other tokens may come out than for both together.
    ///
    /// @param context what stands before the text, or ""; the model's beginning-of-sequence token comes before it, where it has one. Without
    ///        either the text's first token is only read
    /// @throws io.llatte.ContextOverflowException if both are longer than the context
    /// @throws io.llatte.EngineBusyException if too many requests wait
    /// @throws io.llatte.EngineClosedException if the engine is closed
    /// @throws java.util.concurrent.CancellationException if the thread is interrupted, which stays so
    /// @throws UnsupportedOperationException if a server answers: the protocol has no word for it
    TextScore score(String context, String text);

    /// Makes vectors of texts; nothing but an interrupt or the engine's end cancels it. See [#embed(List, EmbeddingOptions, BooleanSupplier)].
    default Embeddings embed(List<String> texts, EmbeddingOptions options) {
        return embed(texts, options, () -> false);
    }

    /// Ranks documents by how well they answer a query; nothing but an interrupt or the engine's end cancels it.
    default Reranking rerank(String query, List<String> documents) {
        return rerank(query, documents, () -> false);
    }

    /// Makes vectors of texts, beside what is generated: a running answer waits for a micro-batch of them at most. A model that generates gets a
    /// second context for it on the first call, which is charged, and given back with the model. The calling thread waits; an interrupt ends that.
    ///
    /// @param cancelled is asked before each batch, and again and again while a server is waited for: whether the call is to end as cancelled
    /// @throws io.llatte.ContextOverflowException if a text has more tokens than are evaluated together, and is not to be split
    /// @throws io.llatte.InsufficientMemoryException if there is no room for the context
    /// @throws io.llatte.EngineClosedException if the engine is closed
    /// @throws IllegalArgumentException if a text has no token at all
    /// @throws UnsupportedOperationException if the model makes no embeddings, as one that ranks, or a server cannot do what the options ask
    /// @throws java.util.concurrent.CancellationException if the thread is interrupted, which stays so, or the call was cancelled
    Embeddings embed(List<String> texts, EmbeddingOptions options, BooleanSupplier cancelled);

    /// Ranks documents by how well they answer a query; otherwise as [#embed].
    ///
    /// @throws UnsupportedOperationException if the model has no classification head
    /// @throws io.llatte.ContextOverflowException if the query with a document has more tokens than are evaluated together
    Reranking rerank(String query, List<String> documents, BooleanSupplier cancelled);

    /// Writes the longest beginning of a prompt that the cache holds to a file, which appears under its name when it is whole. Another process, or
    /// this one later, brings it back with [#restoreSession] and evaluates only what follows. What runs waits while the cache is copied, not while
    /// it is written. The file is readable by its owner alone, where the system knows owners.
    ///
    /// @throws io.llatte.SavedStateException if nothing of it is in the cache
    /// @throws io.llatte.EngineBusyException if a part of a sequence is to be saved, and all others are busy
    /// @throws io.llatte.EngineClosedException if the engine is closed
    /// @throws UnsupportedOperationException if a server answers
    SavedSession saveSession(Prompt prompt, Path file) throws IOException;

    /// Reads what was saved into a sequence that is free. Those that were only kept give their room, once the file was found to be whole and at home
    /// here.
    ///
    /// @throws io.llatte.SavedStateException if the file is truncated, altered, no such file, or another model's or another cache's
    /// @throws io.llatte.ContextOverflowException if it has more tokens than there is room for
    /// @throws io.llatte.EngineBusyException if all sequences are busy
    /// @throws io.llatte.EngineClosedException if the engine is closed
    /// @throws UnsupportedOperationException if a server answers, or the engine is a reproducible one, whose requests all begin with nothing
    SavedSession restoreSession(Path file) throws IOException;

    /// Whether answers pause whose readers fall behind, as they do at first. An engine that is to come to an end does not wait for readers.
    void waitForReaders(boolean waits);

    /// Cancels what runs and what waits, waits for it, and frees the model. Idempotent; any thread.
    @Override
    void close();
}
