package io.llatte.llama;

import io.llatte.ContextOverflowException;
import java.time.Duration;
import java.util.NoSuchElementException;
import java.util.Objects;
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
    private final TokenReader reader;
    private volatile boolean cancelled;
    private volatile FinishReason finishReason;
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
        this.reader = new TokenReader(vocab, options.showSpecial(), options.stop(), new Ids());
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
        public void stop() {
            finish(FinishReason.STOP);
        }
    }

    /// Evaluates the token before, if there is one, and samples the next; -1 where the generation ends instead.
    private int advance() {
        if (finishReason != null) {
            return NONE;
        }
        if (generatedTokens >= options.maxTokens() || position >= context.sequenceLength()) {
            return finish(FinishReason.LENGTH);
        }
        context.lock();
        try {
            if (!context.isOpen()) {
                return finish(FinishReason.CANCELLED);
            }
            if (startNanos == 0) {
                startNanos = System.nanoTime();
                prefill();
                prefilledNanos = System.nanoTime();
            } else {
                evaluate(previous);
            }
            int id = sampler.sample(context, -1);
            if (vocab.isEog(id) && !options.ignoreEog()) {
                return finish(FinishReason.EOG);
            }
            return generated(id);
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
        position = cachedTokens;
        while (position < prompt.length) {
            int end = Math.min(position + batch.capacity(), prompt.length);
            batch.clear().addAll(prompt, position, end, position, sequence.id(), end == prompt.length);
            decode();
            sequence.remember(prompt, position, end);
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

    private void evaluate(int token) {
        batch.clear().add(token, position, sequence.id(), true);
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
                perSecond(evaluatedPromptTokens, prefill), perSecond(generatedTokens - 1, decode));
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
