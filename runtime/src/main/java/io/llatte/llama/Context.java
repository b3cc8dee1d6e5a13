package io.llatte.llama;

import io.llatte.ContextOverflowException;
import io.llatte.internal.ffi.NativeContext;
import io.llatte.internal.ffi.NativeLogprobs;
import io.llatte.internal.ffi.NativeThreads;
import io.llatte.internal.ffi.NativeModel;
import io.llatte.memory.DeviceArena;
import io.llatte.memory.MemoryPlan;
import io.llatte.memory.MemoryUsage;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.CancellationException;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Function;
import java.util.function.Supplier;

/// A model's KV cache and compute buffers (`llama_context`): what tokens are evaluated in. The caller closes it; so does closing the model.
///
/// It locks itself: calls of several threads take turns. [#cancel()] and [#close()] do not wait for their turn but stop the running call.
public final class Context implements AutoCloseable {

    private final Model model;
    private final DeviceArena arena;
    private final NativeContext context;
    private final ReentrantLock lock = new ReentrantLock();
    private final Sequence[] sequences;
    private final int contextLength;
    private final int sequenceLength;
    private final int batchSize;
    private final int microBatchSize;
    private volatile Generation running;
    private volatile boolean closing;
    private long decodes;
    private List<AdapterUse> adapters = List.of();
    private boolean steered;
    private DeviceArena account;
    private NativeLogprobs scored;

    private Context(Model model, NativeContext context, DeviceArena arena) {
        this.model = model;
        this.context = context;
        this.arena = arena;
        this.contextLength = context.contextLength();
        this.sequenceLength = context.sequenceLength();
        this.batchSize = context.batchSize();
        this.microBatchSize = context.microBatchSize();
        this.sequences = new Sequence[context.maxSequences()];
        for (int id = 0; id < sequences.length; id++) {
            sequences[id] = new Sequence(this, id);
        }
    }

    static Context create(Model model, NativeContext.Params params, DeviceArena parent) {
        NativeModel nativeModel = model.nativeModel();
        if (!parent.budget().isUnlimited()) {
            parent.admit("a context of " + model.path().getFileName(), contextPlan(model, params));
        }
        DeviceArena arena = parent.newChild("context of " + model.path().getFileName());
        try {
            NativeContext created = NativeContext.create(nativeModel, params);
            arena.ownOrClose(created);
            var context = new Context(model, created, arena);
            arena.own(context::stop);
            context.account();
            return context;
        } catch (RuntimeException | Error e) {
            arena.close();
            throw e;
        }
    }

    /// Charges what the context takes now, in place of what it took before. The lock is held, or nobody knows the context yet.
    private void account() {
        if (account != null) {
            account.close();
        }
        account = arena.newChild(arena.name());
        account.charge(usages());
    }

    private List<MemoryUsage> usages() {
        var usages = new ArrayList<>(Model.usagesOf(context.memory()).stream().map(MemoryUsage::withoutWeights)
                .filter(usage -> usage.totalBytes() > 0).toList());
        if (steered) {
            usages.addAll(Model.usagesOf(model.nativeModel().planControlVector()));
        }
        return usages;
    }

    /// What the context adds to the model, which is loaded and charged already.
    private static MemoryPlan contextPlan(Model model, NativeContext.Params params) {
        return new MemoryPlan(Model.usagesOf(NativeModel.plan(model.path(), model.options().toNative(), params)).stream()
                .map(MemoryUsage::withoutWeights).toList());
    }

    /// Makes something that lives in this context's arena.
    <T> T newChild(String name, Function<DeviceArena, T> birth) {
        DeviceArena scope = arena.newChild(name);
        try {
            return birth.apply(scope);
        } catch (RuntimeException | Error e) {
            scope.close();
            throw e;
        }
    }

    /// Runs when this begins to close, however that comes.
    void beforeClose(AutoCloseable action) {
        arena.ownOrClose(action);
    }

    /// The model it evaluates.
    public Model model() {
        return model;
    }

    /// Tokens that the KV cache holds, over all sequences.
    public int contextLength() {
        return contextLength;
    }

    /// Tokens that one sequence can hold.
    public int sequenceLength() {
        return sequenceLength;
    }

    /// Tokens that one decode may carry.
    public int batchSize() {
        return batchSize;
    }

    /// Tokens that are computed at once.
    public int microBatchSize() {
        return microBatchSize;
    }

    /// Sequences that may live at a time.
    public int maxSequences() {
        return sequences.length;
    }

    /// A lane of the KV cache. The same object at each call.
    ///
    /// @throws IndexOutOfBoundsException if `id` is not 0 to `maxSequences() - 1`
    public Sequence sequence(int id) {
        return sequences[Objects.checkIndex(id, sequences.length)];
    }

    /// An empty batch of this context's size.
    public Batch newBatch() {
        return new Batch(batchSize);
    }

    /// Evaluates a batch (`llama_decode`); logits of the rows that asked for them can then be read.
    ///
    /// @throws IllegalArgumentException if a token, position or sequence is out of range, or the batch is empty or too large; the cache is as
    ///         it was
    /// @throws io.llatte.ContextOverflowException if the cache has no room; it is as it was
    /// @throws io.llatte.DecodeException if llama.cpp refused or failed
    /// @throws CancellationException if [#cancel()] stopped it; the sequences are as they were, or empty where they cannot be cut
    /// @throws IllegalStateException if the context is closed
    public void decode(Batch batch) {
        lock.lock();
        try {
            decode(batch, null);
            for (int row = 0; row < batch.size(); row++) {
                sequences[batch.rows().sequence(row)].remember(batch.rows().position(row), batch.rows().token(row));
            }
        } catch (IllegalArgumentException | ContextOverflowException unchanged) {
            throw unchanged;
        } catch (RuntimeException | Error e) {
            dropWhatWasNotRecorded(batch);
            throw e;
        } finally {
            lock.unlock();
        }
    }

    /// Micro-batches of a decode that did not end are in the cache.
    private void dropWhatWasNotRecorded(Batch batch) {
        for (int row = 0; row < batch.size(); row++) {
            int id = batch.rows().sequence(row);
            if (id >= 0 && id < sequences.length) {
                sequences[id].dropBeyondRecord();
            }
        }
    }

    /// Evaluates a batch for a stream, which may be cancelled by itself. The lock is held.
    void decode(Batch batch, Generation stream) {
        batch.checkIsFor(model);
        requireRunnable(stream);
        running = stream;
        try {
            context.control().rearm();
            // A cancel or close that came before rearm() is seen here; one that comes after it sets the flag that the decode reads.
            requireRunnable(stream);
            decodes++;
            context.decode(batch.rows());
        } finally {
            running = null;
        }
    }

    private void requireRunnable(Generation stream) {
        if (closing || stream != null && stream.isCancelled()) {
            throw stream == null ? new IllegalStateException("the context is closed") : new CancellationException("the stream was cancelled");
        }
    }

    /// Says whose call is inside llama.cpp, so that [#cancel()] reaches it; null for none. The lock is held.
    void runs(Generation stream) {
        running = stream;
    }

    /// Whether a stream's call is inside llama.cpp now.
    boolean isDecoding() {
        return running != null;
    }

    /// Stops a running decode of `stream`, if that is what runs.
    void cancel(Generation stream) {
        if (running == stream) {
            context.control().cancel();
        }
    }

    /// Evaluates a batch with the model's encoder (`llama_encode`), at most a micro-batch of tokens.
    ///
    /// @throws IllegalStateException if the model has no encoder
    public void encode(Batch batch) {
        batch.checkIsFor(model);
        locked(() -> {
            context.control().rearm();
            // A close that came before rearm() is seen here; one that comes after it sets the flag that the call reads.
            requireRunnable(null);
            decodes++;
            context.encode(batch.rows());
            return null;
        });
    }

    /// Stops the decode that runs now, on any thread, within one node of its graph on the CPU; a stream whose decode it is ends as cancelled.
    /// Without one this does nothing.
    public void cancel() {
        Generation stream = running;
        if (stream != null) {
            stream.cancel();
        } else {
            context.control().cancel();
        }
    }

    /// The scores of a row of the last decode that asked for output; -1 is the last such row.
    ///
    /// @throws IllegalArgumentException if the row asked for none
    /// @throws IllegalStateException if nothing was decoded yet
    public Logits logits(int row) {
        return locked(() -> new Logits(this, decodes, context.logits(row, model.vocab().size())));
    }

    /// How probable the model found given tokens at rows of the last decode: natural logarithms of probabilities over the whole vocabulary, from the
    /// logits as they were computed. The logits are not copied.
    ///
    /// @param row the first token's row; the others' follow it
    /// @param tokens whose tokens from `from` to `to - 1` are meant
    /// @return `float[to - from]`
    /// @throws IllegalArgumentException if a row asked for no output, or an id is not in the vocabulary
    /// @throws io.llatte.DecodeException if the model computed logits that are no numbers
    public float[] logprobs(int row, int[] tokens, int from, int to) {
        Objects.checkFromToIndex(from, to, tokens.length);
        return locked(() -> {
            if (scored == null) {
                scored = new NativeLogprobs(1);
                scored.want(0, 0);
            }
            float[] logprobs = new float[to - from];
            for (int i = 0; i < logprobs.length; i++) {
                context.logprobs(row + i, tokens[from + i], scored, 0);
                logprobs[i] = scored.chosen(0);
            }
            return logprobs;
        });
    }

    /// Reads borrowed memory, if it is still that of the decode it came from.
    <T> T whileValid(long ofDecodes, Supplier<T> reader) {
        return locked(() -> {
            if (decodes != ofDecodes) {
                throw new IllegalStateException("these logits are gone: the context has decoded again");
            }
            return reader.get();
        });
    }

    /// A copy of the embedding of a row, `float[embeddingLength]`; the context must have been made with embeddings.
    public float[] embeddings(int row) {
        return locked(() -> context.embeddings(row));
    }

    /// A copy of a sequence's pooled embedding, or of its rank scores with [Pooling#RANK].
    public float[] sequenceEmbeddings(int sequence) {
        return locked(() -> context.sequenceEmbeddings(sequence));
    }

    /// Changes the model by these adapters in the decodes that come, and by none that changed it before; what is in the cache stays as it was
    /// evaluated, so a sequence that is to go on under others is to be cleared. Plans the graph anew, which takes milliseconds; its compute
    /// buffers may change, and are charged as they are then.
    ///
    /// @throws IllegalArgumentException if an adapter is another model's, or in the list twice
    /// @throws IllegalStateException if an adapter or the context is closed
    public void setAdapters(List<AdapterUse> uses) {
        List<AdapterUse> wanted = List.copyOf(uses);
        locked(() -> {
            if (!wanted.equals(adapters)) {
                wanted.forEach(use -> use.adapter().usedBy(this));
                try {
                    apply(wanted);
                } finally {
                    wanted.stream().map(AdapterUse::adapter).filter(adapter -> !uses(adapter)).forEach(adapter -> adapter.notUsedBy(this));
                }
            }
            return null;
        });
    }

    private void apply(List<AdapterUse> wanted) {
        float[] scales = new float[wanted.size()];
        for (int i = 0; i < scales.length; i++) {
            scales[i] = wanted.get(i).scale();
        }
        context.setAdapters(wanted.stream().map(use -> use.adapter().nativeAdapter()).toList(), scales);
        List<AdapterUse> before = adapters;
        adapters = wanted;
        before.stream().map(AdapterUse::adapter).filter(adapter -> !uses(adapter)).forEach(adapter -> adapter.notUsedBy(this));
        account();
    }

    private boolean uses(LoraAdapter adapter) {
        return adapters.stream().anyMatch(use -> use.adapter() == adapter);
    }

    /// An adapter closes: the context goes on without it.
    void without(LoraAdapter closing) {
        lock.lock();
        try {
            if (!this.closing && uses(closing)) {
                apply(adapters.stream().filter(use -> use.adapter() != closing).toList());
            }
        } finally {
            lock.unlock();
        }
    }

    /// What changes the model now.
    public List<AdapterUse> adapters() {
        return locked(() -> adapters);
    }

    /// Adds a control vector to what layers hand on in the decodes that come; empty for none any longer. As with adapters, what is in the cache stays.
    /// The first one takes memory on the devices of the layers, until the context closes.
    ///
    /// @throws IllegalArgumentException if its length is not that of this model, or it has numbers that are none
    /// @throws io.llatte.InsufficientMemoryException if its memory does not fit
    public void setControlVector(Optional<ControlVector> vector) {
        locked(() -> {
            if (vector.isEmpty() && !steered) {
                return null;
            }
            if (!steered) {
                arena.admit("a control vector", Model.planOf(model.nativeModel().planControlVector()));
            }
            context.setControlVector(vector.map(ControlVector::directions).orElse(null));
            steered = true;
            account();
            return null;
        });
    }

    /// Waits until what was decoded is computed: on a GPU a decode may return before. Reading logits or embeddings waits by itself.
    public void synchronize() {
        locked(() -> {
            context.synchronize();
            return null;
        });
    }

    /// Ends the threads that have computed for the calling thread, in this context or another, until it computes again. For a thread that will
    /// not decode for a while: with OpenMP each thread that decodes keeps its own, asleep, until it ends; and where they are more than the
    /// processors, libgomp lets none spin for long, which makes every decode of the process slower.
    public void releaseThreads() {
        locked(() -> {
            NativeThreads.release();
            return null;
        });
    }

    /// Changes the threads of one-token and of larger decodes, 1 to 512.
    public void setThreads(int threads, int batchThreads) {
        locked(() -> {
            context.setThreads(threads, batchThreads);
            return null;
        });
    }

    /// Empties every sequence.
    ///
    /// @throws IllegalStateException if a stream of one of them is still running
    public void clear() {
        locked(() -> {
            for (Sequence sequence : sequences) {
                sequence.checkIdle();
            }
            context.clear();
            for (Sequence sequence : sequences) {
                sequence.rememberNothing();
            }
            return null;
        });
    }

    /// llama.cpp's own account of this context and its model, by buffer type.
    public List<MemoryUsage> memory() {
        return locked(() -> Model.usagesOf(context.memory()));
    }

    /// llama.cpp's own counters since the context was made.
    public NativeCounters counters() {
        return locked(() -> NativeCounters.of(context.perf()));
    }

    /// Whether it keeps what it has evaluated: models for embeddings alone do not.
    boolean hasCache() {
        return context.hasCache();
    }

    /// Batches that were given to llama.cpp.
    long decodes() {
        return locked(() -> decodes);
    }

    /// Runs a call while no other runs and the context is open.
    <T> T locked(Supplier<T> call) {
        lock.lock();
        try {
            if (closing) {
                throw new IllegalStateException("the context is closed");
            }
            return call.get();
        } finally {
            lock.unlock();
        }
    }

    void lock() {
        lock.lock();
    }

    void unlock() {
        lock.unlock();
    }

    NativeContext nativeContext() {
        return context;
    }

    public boolean isOpen() {
        return !closing && context.isOpen();
    }

    /// The `llama_context *`, for performance engineers who bind llama.cpp themselves. Nothing guards it: no call of this object may run
    /// meanwhile, and it ends with this context.
    public MemorySegment handle() {
        return context.llamaContext();
    }

    /// Cancels a running call, waits for it, and frees the context. Idempotent; any thread.
    @Override
    public void close() {
        arena.close();
    }

    /// Runs before the native context is freed: afterwards no call is inside, and none can enter.
    private void stop() {
        closing = true;
        context.control().cancel();
        lock.lock();
        try {
            for (Sequence sequence : sequences) {
                sequence.detachLocked();
            }
            adapters.forEach(use -> use.adapter().notUsedBy(this));
        } finally {
            lock.unlock();
        }
    }
}
