package io.llatte.llama;

import io.llatte.ContextOverflowException;
import io.llatte.internal.ffi.NativeLogprobs;
import java.time.Duration;
import java.util.NoSuchElementException;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.CancellationException;

/// The tokens that a sequence generates, each evaluated when it is asked for. One thread reads; any thread may cancel or close.
///
/// Read with [#hasNext()] and [#next()] for text, or with [#nextId()] for ids alone, which allocates nothing. [#finishReason()] says how it
/// ended. Closing before the end cancels within one decode: on the CPU within a node of its graph, during the prompt too.
public final class Generation implements TokenStream {

    private static final int NONE = -1;

    private final Sequence sequence;
    private final Context context;
    private final Vocab vocab;
    private final Sampler sampler;
    private final int[] prompt;
    private final GenerateOptions options;
    private final Batch batch;
    private final Drafts drafts;
    private final int[] sampled;
    private final NativeLogprobs logprobs;
    private final TokenReader reader;
    private volatile boolean cancelled;
    private volatile FinishReason finishReason;
    private int sampledCount;
    private int handedOut;
    private int previous = NONE;
    private int position;
    private int cachedTokens;
    private int evaluatedPromptTokens;
    private int generatedTokens;
    private long startNanos;
    private long prefilledNanos;
    private long firstTokenNanos;
    private long lastTokenNanos;

    Generation(Sequence sequence, int[] prompt, Sampler sampler, GenerateOptions options) {
        this.sequence = sequence;
        this.context = sequence.context();
        this.vocab = context.model().vocab();
        this.sampler = Objects.requireNonNull(sampler);
        this.prompt = prompt;
        this.options = Objects.requireNonNull(options);
        checkPrompt();
        if (!sampler.isOpen()) {
            throw new IllegalStateException("the sampler is closed");
        }
        this.batch = context.newBatch();
        this.drafts = new Drafts(this, sequence.speculator(options.speculation()));
        this.sampled = new int[1 + drafts.longest()];
        this.logprobs = newLogprobs();
        this.reader = new TokenReader(vocab, options.showSpecial(), options.stop(), new Ids());
    }

    /// A place for each of the tokens that are sampled ahead, or null where they were not asked for.
    private NativeLogprobs newLogprobs() {
        if (options.topLogprobs().isEmpty()) {
            return null;
        }
        var places = new NativeLogprobs(sampled.length);
        for (int i = 0; i < sampled.length; i++) {
            places.want(i, options.topLogprobs().getAsInt());
        }
        return places;
    }

    private void checkPrompt() {
        if (prompt.length == 0) {
            throw new IllegalArgumentException("the prompt is empty");
        }
        for (int id : prompt) {
            if (id < 0 || id >= vocab.size()) {
                throw new IllegalArgumentException("token " + id + " is not in the vocabulary of " + vocab.size());
            }
        }
        if (prompt.length >= context.sequenceLength()) {
            throw new ContextOverflowException("the prompt has %d tokens and leaves no room in a context of %d"
                    .formatted(prompt.length, context.sequenceLength()), prompt.length + 1L, context.sequenceLength());
        }
    }

    /// Whether there is another token; evaluates it if that is not known yet. Asking again evaluates nothing.
    ///
    /// @throws io.llatte.LlatteException if the decode or the sampler failed; the stream has then ended
    @Override
    public boolean hasNext() {
        return reader.hasNext();
    }

    @Override
    public Token next() {
        if (!hasNext()) {
            throw new NoSuchElementException("the generation has ended: " + finishReason);
        }
        return reader.next();
    }

    /// The next token's id, or -1 after the last. Makes no text, looks for no stop strings, and allocates nothing.
    public int nextId() {
        int id = reader.takeUpcoming();
        return id == NONE ? advance() : id;
    }

    /// The reader's ids are this generation's.
    private final class Ids implements TokenReader.Ids {

        @Override
        public int next() {
            return advance();
        }

        @Override
        public Optional<Logprobs> logprobs() {
            int last = handedOut - 1;
            return logprobs == null ? Optional.empty() : Optional.of(Logprobs.of(logprobs, last, sampled[last], vocab));
        }

        @Override
        public void stop() {
            finish(FinishReason.STOP);
        }
    }

    /// The next token that was sampled; evaluates what is needed to sample it. -1 where the generation ends instead.
    private int advance() {
        if (finishReason != null) {
            return NONE;
        }
        boolean sampledAhead = handedOut < sampledCount;
        if (!sampledAhead && (generatedTokens >= options.maxTokens() || position >= context.sequenceLength())) {
            return finish(FinishReason.LENGTH);
        }
        context.lock();
        try {
            if (!context.isOpen() || cancelled) {
                return finish(FinishReason.CANCELLED);
            }
            if (!sampledAhead) {
                sampleMore();
            }
            int id = sampled[handedOut++];
            return isEnd(id) ? finish(FinishReason.EOG) : generated(id);
        } catch (CancellationException e) {
            return finish(FinishReason.CANCELLED);
        } catch (RuntimeException | Error e) {
            finish(FinishReason.CANCELLED);
            if (e instanceof IllegalStateException && !(context.isOpen() && sampler.isOpen())) {
                // Closed by another thread between two calls: the generation ends as it does when that happens inside one.
                return NONE;
            }
            throw e;
        } finally {
            context.unlock();
        }
    }

    /// Evaluates the prompt, or the token before, and samples what follows: one token, or several where a draft was right.
    private void sampleMore() {
        sampledCount = 0;
        handedOut = 0;
        if (startNanos == 0) {
            startNanos = System.nanoTime();
            prefill();
            prefilledNanos = System.nanoTime();
            sampled[sampledCount] = sample(-1);
            sampledCount++;
        } else {
            int drafted = evaluateWithDraft(previous);
            try {
                drafts.evaluated(previous, position - 1);
                accept(sampleWhileRight(drafted), drafted);
            } catch (RuntimeException | Error e) {
                if (drafted > 0) {
                    sequence.dropBeyond(position);
                }
                throw e;
            }
        }
    }

    /// A token from a row of the last decode, with what the model thinks of it.
    private int sample(int row) {
        int id = sampler.sample(context, row);
        if (logprobs != null) {
            context.nativeContext().logprobs(row, id, logprobs, sampledCount);
        }
        return id;
    }

    /// Samples after the token before, and after each token of the draft that is what was sampled. Returns how many of these stay evaluated.
    private int sampleWhileRight(int drafted) {
        sampled[sampledCount] = sample(0);
        sampledCount++;
        int right = 0;
        while (right < drafted && sampled[right] == drafts.token(right) && !isEnd(sampled[right])) {
            try {
                sampled[sampledCount] = sample(right + 1);
            } catch (RuntimeException e) {
                // It fails again, and ends the generation, when it is that token's turn: the one before is then evaluated anew.
                return right;
            }
            sampledCount++;
            right++;
        }
        return right;
    }

    /// Keeps the part of the draft that was right.
    private void accept(int right, int drafted) {
        if (right < drafted) {
            sequence.removeFromLocked(position + right);
        }
        drafts.accepted(right, sequence);
        position += right;
    }

    private boolean isEnd(int id) {
        return vocab.isEog(id) && !options.ignoreEog();
    }

    private int generated(int id) {
        lastTokenNanos = System.nanoTime();
        if (generatedTokens++ == 0) {
            firstTokenNanos = lastTokenNanos;
        }
        previous = id;
        return id;
    }

    private int finish(FinishReason reason) {
        if (finishReason == null) {
            finishReason = reason;
        }
        return NONE;
    }

    /// Evaluates the part of the prompt that the sequence does not hold, a batch at a time.
    private void prefill() {
        sampler.reset();
        // The last token is always evaluated: its logits are what the first token is sampled from.
        cachedTokens = Math.min(sequence.commonPrefix(prompt), prompt.length - 1);
        cachedTokens = keep(cachedTokens);
        sampler.acceptPrompt(prompt);
        drafts.begin(prompt);
        position = cachedTokens;
        while (position < prompt.length) {
            int end = Math.min(position + batch.capacity(), prompt.length);
            batch.clear().addAll(prompt, position, end, position, sequence.id(), end == prompt.length);
            decode();
            sequence.remember(prompt, position, end);
            drafts.evaluated(prompt, position, end, position);
            evaluatedPromptTokens += end - position;
            position = end;
        }
    }

    /// Cuts the sequence down to a prefix, or to nothing where the cache cannot be cut.
    private int keep(int prefix) {
        if (prefix > 0) {
            try {
                sequence.removeFromLocked(prefix);
                return prefix;
            } catch (IllegalStateException cannotBeCut) {
                // Recurrent layers and sliding windows keep no past to go back to.
            }
        }
        sequence.clearLocked();
        return 0;
    }

    /// Evaluates a token with a guess of what follows it. Returns the guess's length; its rows are in the cache beyond `position`.
    private int evaluateWithDraft(int token) {
        int drafted = drafts.guess(sequence, token, roomForDraft());
        try {
            evaluate(token, drafted);
        } catch (ContextOverflowException | IllegalArgumentException tooMuch) {
            // Refused before anything was evaluated. The token alone may fit.
            if (drafted == 0) {
                throw tooMuch;
            }
            drafted = drafts.withdraw();
            evaluate(token, drafted);
        }
        return drafted;
    }

    /// One decode, in one micro-batch: a sliding window may lose what lies before that.
    private int roomForDraft() {
        int wanted = Math.min(options.maxTokens() - generatedTokens, context.sequenceLength() - position);
        return Math.min(wanted, Math.min(context.microBatchSize(), batch.capacity())) - 1;
    }

    private void evaluate(int token, int drafted) {
        batch.clear().add(token, position, sequence.id(), true);
        for (int i = 0; i < drafted; i++) {
            batch.add(drafts.token(i), position + 1 + i, sequence.id(), true);
        }
        decode();
        sequence.remember(token);
        position++;
    }

    private void decode() {
        while (true) {
            try {
                context.decode(batch, this);
                return;
            } catch (RuntimeException | Error e) {
                // Micro-batches that were done are in the cache, beyond the record.
                boolean restored = sequence.dropBeyond(position);
                boolean meantForAnother = e instanceof CancellationException && !cancelled && context.isOpen();
                if (!meantForAnother || !restored) {
                    throw e;
                }
                // A cancel that was meant for the decode before this one came late: evaluate again.
            }
        }
    }

    @Override
    public void cancel() {
        cancelled = true;
        context.cancel(this);
        drafts.cancel();
    }

    boolean isCancelled() {
        return cancelled;
    }

    @Override
    public FinishReason finishReason() {
        return finishReason;
    }

    @Override
    public Usage usage() {
        return new Usage(prompt.length, cachedTokens, generatedTokens);
    }

    @Override
    public Timings timings() {
        Duration prefill = between(startNanos, prefilledNanos);
        Duration decode = between(firstTokenNanos, lastTokenNanos);
        return new Timings(context.model().loadTime(), prefill, between(startNanos, firstTokenNanos), decode,
                perSecond(evaluatedPromptTokens, prefill), perSecond(generatedTokens - 1, decode), drafts.statistics());
    }

    private static Duration between(long from, long to) {
        return from == 0 || to == 0 ? Duration.ZERO : Duration.ofNanos(to - from);
    }

    private static double perSecond(int tokens, Duration time) {
        return tokens <= 0 || time.isZero() ? 0 : tokens * 1e9 / time.toNanos();
    }

    /// Cancels what still runs, waits for it, and ends the stream. The sequence keeps what was evaluated. Idempotent; any thread.
    @Override
    public void close() {
        cancel();
        context.lock();
        try {
            finish(FinishReason.CANCELLED);
        } finally {
            context.unlock();
        }
    }
}
