package io.llatte.llama;

import io.llatte.internal.ffi.NativeContext;
import io.llatte.internal.ffi.NativeSpeculator;
import io.llatte.internal.ffi.NativeSpeculator.Kind;
import io.llatte.internal.ffi.NativeSpeculator.Params;
import io.llatte.memory.DeviceArena;
import java.util.concurrent.CancellationException;
import java.util.concurrent.locks.ReentrantLock;

/// Guesses what a model will generate next in one sequence. The caller closes it; so do closing the sequence's context and closing the draft model.
///
/// [Sequence#generate] uses one by itself. A loop of one's own calls [#begin] with the prompt and [#evaluated] after each decode; then, for each
/// step, [#draft], evaluates the last token and the draft behind it with output for every row, samples row by row as long as the sample is the
/// draft's token, removes the rest from the sequence, and tells [#accepted].
///
/// It locks with its context. When it is closed it guesses nothing, and the generation goes on without drafts.
public final class Speculator implements AutoCloseable {

    private final Context context;
    private final Speculation speculation;
    private final DeviceArena scope;
    private final Context draftContext;
    private final NativeSpeculator speculator;
    private final ReentrantLock lock = new ReentrantLock();
    private volatile Generation reader;
    private volatile boolean closing;

    private Speculator(Context context, Speculation speculation, DeviceArena scope, Context draftContext) {
        this.context = context;
        this.speculation = speculation;
        this.scope = scope;
        this.draftContext = draftContext;
        this.speculator = NativeSpeculator.create(context.nativeContext(), draftContext == null ? null : draftContext.nativeContext(),
                paramsOf(speculation));
    }

    /// @throws io.llatte.SpeculationException if the model, its cache or the draft model do not allow it
    static Speculator create(Context context, Speculation speculation) {
        return context.newChild("speculation", scope -> {
            Context draftContext = newDraftContext(context, speculation);
            if (draftContext != null) {
                scope.ownOrClose(draftContext);
            }
            var speculator = new Speculator(context, speculation, scope, draftContext);
            // Whichever of the two contexts closes first, nothing guesses with it any more.
            scope.ownOrClose(speculator::stop);
            if (draftContext != null) {
                draftContext.beforeClose(speculator::stop);
            }
            return speculator;
        });
    }

    /// A context for what evaluates anything itself, of the size of one sequence.
    private static Context newDraftContext(Context context, Speculation speculation) {
        NativeContext target = context.nativeContext();
        ContextOptions options = ContextOptions.builder().contextLength(context.sequenceLength()).batchSize(context.batchSize())
                .microBatchSize(context.microBatchSize()).threads(target.threads()).batchThreads(target.batchThreads()).build();
        return switch (speculation) {
            case Speculation.DraftModel draft -> draft.model().newContext(options);
            case Speculation.Mtp _ -> context.model().newMtpContext(options);
            case Speculation.NGram _, Speculation.None _ -> null;
        };
    }

    private static Params paramsOf(Speculation speculation) {
        return switch (speculation) {
            case Speculation.DraftModel(_, int maxTokens, float minProbability) -> new Params(Kind.DRAFT_MODEL, maxTokens, 0, minProbability);
            case Speculation.Mtp(int maxTokens) -> new Params(Kind.MTP, maxTokens, 0, 0);
            case Speculation.NGram(var lookup, int match, int maxTokens) -> new Params(kindOf(lookup), maxTokens, match, 0);
            case Speculation.None() -> throw new IllegalArgumentException("nothing guesses where there is no speculation");
        };
    }

    private static Kind kindOf(Speculation.Lookup lookup) {
        return switch (lookup) {
            case SIMPLE -> Kind.NGRAM_SIMPLE;
            case MAP -> Kind.NGRAM_MAP;
            case MOD -> Kind.NGRAM_MOD;
        };
    }

    /// What guesses.
    public Speculation speculation() {
        return speculation;
    }

    /// A generation begins with this prompt; what was guessed from for another one is kept as far as both begin alike.
    ///
    /// @throws IllegalArgumentException if the prompt is longer than a sequence, or has an id that is not in the vocabulary
    public void begin(int[] prompt) {
        checkLength(prompt.length);
        if (enter()) {
            try {
                speculator.begin(prompt, prompt.length);
            } finally {
                leave();
            }
        }
    }

    /// The first rows of the context's last decode were `tokens[from]` to `tokens[to - 1]` of this sequence, from a position on.
    ///
    /// @throws IllegalStateException if the last decode had fewer rows
    /// @throws CancellationException if the generation that it serves was cancelled
    public void evaluated(int[] tokens, int from, int to, int firstPosition) {
        if (speculation instanceof Speculation.Mtp && enter()) {
            try {
                speculator.process(tokens, from, to, firstPosition);
            } catch (CancellationException e) {
                throwUnlessClosing(e);
            } finally {
                leave();
            }
        }
    }

    /// Guesses what follows `last`, which was sampled and is not evaluated yet.
    ///
    /// @param history all tokens before `last`: `history[0]` to `history[count - 1]`; it must not get shorter without [#begin]
    /// @param out receives at most its own length of tokens, and at most [Speculation#maxTokens()]
    /// @return how many were guessed, often 0
    /// @throws CancellationException if the generation that it serves was cancelled
    public int draft(int[] history, int count, int last, int[] out) {
        return draft(history, count, last, out, out.length);
    }

    /// The same, of at most `most` tokens.
    public int draft(int[] history, int count, int last, int[] out, int most) {
        checkLength(count);
        if (!enter()) {
            return 0;
        }
        try {
            return speculator.draft(history, count, last, out, most);
        } catch (CancellationException e) {
            throwUnlessClosing(e);
            return 0;
        } finally {
            leave();
        }
    }

    /// How many tokens of the last draft, from its start, the model chose too. Once for each draft that was not empty.
    public void accepted(int count) {
        if (enter()) {
            try {
                speculator.accept(count);
            } finally {
                leave();
            }
        }
    }

    private void checkLength(int tokens) {
        if (tokens > context.sequenceLength()) {
            throw new IllegalArgumentException(tokens + " tokens, and a sequence holds " + context.sequenceLength());
        }
    }

    /// Before a native call, and not after [#close()], which is what false says. [#leave()] follows true.
    private boolean enter() {
        context.lock();
        lock.lock();
        boolean entered = false;
        try {
            if (!closing && draftContext != null) {
                draftContext.nativeContext().control().rearm();
            }
            // A cancel or close that came before rearm() is seen here; one that comes after it sets the flag that the call reads.
            Generation served = reader;
            if (served != null && served.isCancelled()) {
                throw new CancellationException("the stream was cancelled");
            }
            entered = !closing;
            context.runs(served);
            return entered;
        } finally {
            if (!entered) {
                leave();
            }
        }
    }

    private void leave() {
        context.runs(null);
        lock.unlock();
        context.unlock();
    }

    private void throwUnlessClosing(CancellationException e) {
        if (!closing) {
            throw e;
        }
    }

    /// From now on it works for this generation, and ends with it.
    void serve(Generation generation) {
        reader = generation;
    }

    /// Stops a call that evaluates something with a draft model or with layers of the model's own; that one then throws a
    /// [CancellationException]. Without one this does nothing. Any thread.
    public void cancel() {
        if (draftContext != null) {
            draftContext.nativeContext().control().cancel();
        }
    }

    /// Stops a running call for this generation.
    void cancel(Generation generation) {
        if (reader == generation && draftContext != null) {
            draftContext.nativeContext().control().cancel();
        }
    }

    public boolean isOpen() {
        return !closing;
    }

    /// Frees it and the context it made. Idempotent; any thread.
    @Override
    public void close() {
        scope.close();
    }

    /// Runs before the contexts are freed: afterwards no call is inside, and none can enter.
    private void stop() {
        closing = true;
        if (draftContext != null && draftContext.isOpen()) {
            draftContext.nativeContext().control().cancel();
        }
        lock.lock();
        try {
            speculator.close();
        } finally {
            lock.unlock();
        }
    }
}
