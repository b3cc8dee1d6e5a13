package io.llatte.engine;

import io.llatte.ContextOverflowException;
import io.llatte.EngineClosedException;
import io.llatte.llama.ChatTemplate;
import io.llatte.llama.Context;
import io.llatte.llama.ContextOptions;
import io.llatte.llama.Embedder;
import io.llatte.llama.EmbeddingOptions;
import io.llatte.llama.Embeddings;
import io.llatte.llama.FinishReason;
import io.llatte.llama.Model;
import io.llatte.llama.Pooling;
import io.llatte.llama.Reranking;
import io.llatte.llama.Projector;
import io.llatte.llama.Sampler;
import io.llatte.model.ChatFormat;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.WeakHashMap;
import java.util.concurrent.CancellationException;
import java.util.concurrent.Executor;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.BiFunction;
import java.util.function.BooleanSupplier;
import java.util.function.Consumer;
import java.util.function.Supplier;

/// A model in this process. One platform thread owns its context and answers many requests at once; what their answers left in the KV cache is
/// used again where a prompt begins the same way.
public final class InProcessEngine implements Engine {

    private final ModelFile file;
    private final Model model;
    private final ChatTemplate template;
    private final List<String> stop;
    private final PlacementReport placement;
    private final ContextOptions contextOptions;
    private final int sequenceLength;
    private final boolean reproducible;
    private final AtomicLong lastNumber = new AtomicLong();
    private final WaitingRequests waiting;
    private final LoadedAdapters adapters;
    private final TextScorer scorer;
    private final Optional<MediaReader> media;
    private final DecodeLoop loop;
    private final LoopEmbedder embedder;
    private final boolean generates;
    private final Set<Request> requests = Collections.newSetFromMap(new WeakHashMap<>());
    private volatile boolean closing;

    /// Takes over a loaded model, and closes it when it is closed.
    InProcessEngine(ModelFile file, Model model, Context context, ContextOptions contextOptions, Optional<Projector> projector,
                    EngineOptions options, PlacementReport placement) {
        this.file = file;
        this.model = model;
        this.placement = placement;
        this.contextOptions = contextOptions;
        this.sequenceLength = context.sequenceLength();
        this.reproducible = options.reproducible();
        ChatFormat format = ChatFormats.of(model, file);
        this.template = ChatTemplate.of(model, format.template());
        this.stop = format.stop();
        this.adapters = new LoadedAdapters(model);
        this.scorer = new TextScorer(model.vocab(), this::evaluate);
        this.media = projector.map(one -> new MediaReader(one, context.microBatchSize()));
        this.waiting = new WaitingRequests(options.queueLimit());
        this.loop = new DecodeLoop(file.id(), model, context, contextOptions, waiting, options);
        this.embedder = new LoopEmbedder(model, loop, contextOptions.batchThreads());
        this.generates = model.embeddingInfo().generates();
    }

    @Override
    public String modelId() {
        return file.id();
    }

    @Override
    public PlacementReport placement() {
        return placement;
    }

    /// The file it was loaded from.
    ModelFile file() {
        return file;
    }

    /// The loaded model, to be read; the engine closes it.
    public Model model() {
        return model;
    }

    /// What the model sees or hears with, to be read; the engine closes it.
    public Optional<Projector> projector() {
        return media.map(MediaReader::projector);
    }

    /// The context that answers, to be read; the engine closes it.
    Context context() {
        return loop.context();
    }

    /// What it has done, and what it holds now.
    public EngineStatistics statistics() {
        return loop.statistics();
    }

    /// What each sequence does. Any thread may ask; it costs nothing and stops nothing, and may be a step old. All are free once the engine is closed.
    ///
    /// @return one for each of [EngineStatistics#sequences], by their ids
    public List<SlotStatus> slots() {
        return loop.slots();
    }

    @Override
    public AnswerStream generate(GenerationRequest request, Consumer<GenerationEnd> whenEnded) {
        checkOpen();
        checkGenerates();
        PromptTokens prompt = null;
        PromptMedia seen;
        Sampler sampler;
        AdapterSet set;
        try {
            set = adapters.resolve(request.adapters());
            prompt = PromptTokens.of(request, template, stop, model.vocab(), sequenceLength, media);
            checkFits(prompt.ids());
            seen = prompt.media().isEmpty() ? PromptMedia.NONE : media.orElseThrow().encode(prompt.media().get());
            sampler = prompt.newSampler(request, model);
        } catch (IllegalStateException e) {
            checkOpen();
            throw e;
        } finally {
            if (prompt != null) {
                prompt.close();
            }
        }
        try {
            sampler.acceptPrompt(seen.isEmpty() ? prompt.ids() : Arrays.stream(prompt.ids()).filter(id -> id >= 0).toArray());
            var admitted = new Request(prompt.ids(), limit(prompt.ids().length, request), sampler, request, set, seen, null,
                    lastNumber.incrementAndGet(), model.loadTime(), whenEnded, loop);
            submit(admitted);
            return new EngineStream(admitted, model.vocab(), prompt);
        } catch (RuntimeException e) {
            sampler.close();
            throw e;
        }
    }

    @Override
    public TextScore score(String context, String text) {
        return whileOpen(() -> scorer.score(context, text));
    }

    /// The log-probabilities of ids, in the natural logarithm, each after all that stand before it. Evaluated as a prompt is, beside what else runs.
    ///
    /// @param tokens at least one more than `from`
    /// @param from the first that is scored, at least 1
    /// @return `float[tokens.length - from]`
    /// @throws ContextOverflowException if the sequence has no room for them
    /// @throws io.llatte.EngineBusyException if too many requests wait
    /// @throws EngineClosedException if the engine is closed
    /// @throws CancellationException if the thread is interrupted, which stays so
    public float[] score(int[] tokens, int from) {
        return whileOpen(() -> scorer.logprobs(tokens, from, true));
    }

    /// How well the model predicts a text, as llama.cpp's `llama-perplexity` computes it: the text is cut into windows, which begin with the
    /// beginning-of-sequence token in place of their first one, where the model has it; the second half of each is scored. What is left beyond the last
    /// window is not read.
    ///
    /// @param window tokens of a window, at least 4
    /// @param afterEach is told the result so far after each window
    /// @throws IllegalArgumentException if the text has not two windows of tokens
    /// @throws ContextOverflowException if a window is longer than a sequence
    /// @throws CancellationException if the thread is interrupted, which stays so
    public Perplexity perplexity(String text, int window, Consumer<Perplexity> afterEach) {
        return whileOpen(() -> scorer.perplexity(text, window, afterEach));
    }

    /// Evaluates a text that is scored, and waits for it.
    private void evaluate(int[] tokens, Scores scores) {
        checkOpen();
        checkGenerates();
        if (tokens.length > sequenceLength) {
            throw new ContextOverflowException("a text of %d tokens, and a sequence has room for %d".formatted(tokens.length, sequenceLength),
                    tokens.length, sequenceLength);
        }
        GenerationRequest asked = GenerationRequest.builder(new Prompt.Text("text")).build();
        var request = new Request(tokens.clone(), tokens.length, Sampler.greedy(model), asked, AdapterSet.NONE, PromptMedia.NONE, scores,
                lastNumber.incrementAndGet(), model.loadTime(), _ -> { }, loop);
        try {
            submit(request);
        } catch (RuntimeException e) {
            request.sampler.close();
            throw e;
        }
        request.take();
        if (request.end().finishReason() == FinishReason.CANCELLED) {
            throw new CancellationException("scoring %d tokens was cancelled".formatted(tokens.length));
        }
    }

    /// A closed engine is told from misuse.
    private <T> T whileOpen(Supplier<T> call) {
        checkOpen();
        try {
            return call.get();
        } catch (IllegalStateException e) {
            checkOpen();
            throw e;
        }
    }

    @Override
    public Embeddings embed(List<String> texts, EmbeddingOptions options, BooleanSupplier cancelled) {
        return embedding(options.pooling(), cancelled, (ours, steps) -> ours.embed(texts, options, steps));
    }

    @Override
    public Reranking rerank(String query, List<String> documents, BooleanSupplier cancelled) {
        return embedding(Pooling.RANK, cancelled, (ours, steps) -> ours.rerank(query, documents, steps));
    }

    private <T> T embedding(Pooling pooling, BooleanSupplier cancelled, BiFunction<Embedder, Executor, T> call) {
        return whileOpen(() -> embedder.call(pooling, cancelled, call));
    }

    /// The files of adapters that are loaded, each since a request first asked for it.
    public List<Path> adapters() {
        return adapters.files();
    }

    /// Frees an adapter; a request that asks for it later loads it again.
    ///
    /// @return whether it was loaded
    /// @throws IllegalStateException if a request that has not ended uses it
    public boolean unloadAdapter(Path file) {
        Path path = file.toAbsolutePath().normalize();
        synchronized (requests) {
            long users = requests.stream().filter(request -> !request.isEnded() && request.adapters.has(path)).count();
            if (users > 0) {
                throw new IllegalStateException("%d requests use the adapter %s".formatted(users, path));
            }
            return adapters.forget(path);
        }
    }

    private void submit(Request request) {
        waiting.add(request);
        synchronized (requests) {
            requests.add(request);
        }
        loop.wake();
        if ((closing || loop.hasEnded()) && waiting.remove(request)) {
            // The loop ended before it could see the request. If it was seen, it ends as all others do.
            throw closedException();
        }
    }

    private void checkGenerates() {
        if (!generates) {
            throw new UnsupportedOperationException("%s (%s) makes embeddings and no text: it cannot chat or complete".formatted(file.id(),
                    model.info().architecture()));
        }
    }

    private void checkFits(int[] ids) {
        if (ids.length == 0) {
            throw new IllegalArgumentException("the prompt is empty");
        }
        if (ids.length >= sequenceLength) {
            throw new ContextOverflowException("the prompt has %d tokens and leaves no room in a context of %d".formatted(ids.length,
                    sequenceLength), ids.length + 1L, sequenceLength);
        }
    }

    /// The last token of a context that is full is sampled and needs no cell.
    private int limit(int promptLength, GenerationRequest request) {
        long wanted = (long) promptLength + request.maxTokens();
        long most = request.overflow() == OverflowPolicy.SHIFT ? Integer.MAX_VALUE - 8 : sequenceLength + 1L;
        return (int) Math.min(wanted, most);
    }

    private void checkOpen() {
        if (closing || loop.hasEnded()) {
            throw closedException();
        }
    }

    /// Answers that have ended may not be read to their end yet, and reading makes their text. The vocabulary remembers what it was asked for.
    private void keepTexts() {
        if (model.isOpen()) {
            synchronized (requests) {
                requests.forEach(request -> request.makeUnreadTexts(model.vocab()));
            }
        }
    }

    private EngineClosedException closedException() {
        return new EngineClosedException("the engine of " + file.id() + " is closed");
    }

    @Override
    public SavedSession saveSession(Prompt prompt, Path target) throws IOException {
        checkOpen();
        checkGenerates();
        SessionOrigin origin = origin();
        if (prompt instanceof Prompt.Chat chat && chat.messages().stream().anyMatch(message -> !message.media().isEmpty())) {
            throw new UnsupportedOperationException("a session with pictures or sounds is not saved");
        }
        int[] tokens;
        try {
            tokens = PromptTokens.of(GenerationRequest.builder(prompt).build(), template, stop, model.vocab(), sequenceLength, media).ids();
        } catch (IllegalStateException e) {
            checkOpen();
            throw e;
        }
        SessionFile session = loop.save(tokens, origin);
        return new SavedSession(session.tokens(), session.write(target));
    }

    @Override
    public SavedSession restoreSession(Path source) throws IOException {
        checkOpen();
        checkGenerates();
        if (reproducible) {
            throw new UnsupportedOperationException("a reproducible engine begins each request with an empty cache");
        }
        SessionFile session = SessionFile.read(source, origin(), sequenceLength);
        loop.restore(session);
        return new SavedSession(session.tokens(), Files.size(source));
    }

    /// What the sessions are that it can save and restore.
    SessionOrigin origin() throws IOException {
        return SessionOrigin.of(ModelFingerprint.of(file.path()), model, contextOptions);
    }

    @Override
    public void waitForReaders(boolean waits) {
        loop.waitForReaders(waits);
    }

    @Override
    public void close() {
        closing = true;
        loop.close();
        embedder.cancel();
        loop.join();
        try {
            keepTexts();
        } catch (CancellationException processEnds) {
            // Nobody reads on.
        } finally {
            model.close();
            template.close();
        }
    }
}
