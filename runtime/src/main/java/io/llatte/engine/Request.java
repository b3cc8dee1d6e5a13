package io.llatte.engine;

import io.llatte.llama.DraftStatistics;
import io.llatte.llama.FinishReason;
import io.llatte.llama.Logprobs;
import io.llatte.llama.Sampler;
import io.llatte.llama.SamplingRound;
import io.llatte.llama.Speculation;
import io.llatte.llama.Timings;
import io.llatte.llama.Usage;
import io.llatte.llama.Vocab;
import java.time.Duration;
import java.util.Arrays;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Consumer;

/// One answer between the decode loop and its reader. The loop appends ids, the reader takes them, neither waits for the other or locks: one
/// array holds the prompt and then what was generated, one index says how far it is written and one how far it is read.
final class Request {

    private static final int NONE = -1;

    /// Room for an answer from the start. A longer one allocates when it gets there.
    private static final int READY_TOKENS = 1 << 14;

    /// A reader may fall so far behind; then its sequence pauses until half of that is read.
    private static final int READ_AHEAD = 256;

    final int promptLength;
    final int limit;
    final Sampler sampler;
    final boolean ignoreEog;
    final boolean shifts;
    final Speculation speculation;
    final int priority;
    final long number;
    final OptionalInt topLogprobs;
    final AdapterSet adapters;
    final PromptMedia media;

    /// What is made of a given text; null where one is generated.
    final Scores scores;

    private final Consumer<GenerationEnd> whenEnded;
    private final Duration load;
    private final DecodeLoop loop;
    private final AtomicReference<GenerationEnd> end = new AtomicReference<>();
    private volatile boolean announced;
    /// Null where they were not asked for.
    private final LogprobRecord logprobs;
    private volatile int[] tokens;
    private volatile int written;
    private volatile int taken;
    private volatile boolean pausesLoop;
    private volatile Thread reader;
    private volatile LaneDrafts drafts;

    // Written by the loop before what it publishes.
    private int cachedTokens;
    private int evaluatedPromptTokens;
    private final long startNanos = System.nanoTime();
    private long admittedNanos;
    private long firstNanos;
    private long lastNanos;
    private int draftedTokens;
    private int acceptedTokens;
    private long guessingNanos;

    /// @param prompt its ids
    /// @param limit the prompt's and the answer's tokens together, at most
    /// @param adapters what changes the model for it
    /// @param media the prompt's pictures and sounds; nothing guesses ahead behind them
    /// @param scores what is to be made of the prompt; null to go on from it
    /// @param number rises with each request
    Request(int[] prompt, int limit, Sampler sampler, GenerationRequest asked, AdapterSet adapters, PromptMedia media, Scores scores, long number,
            Duration load, Consumer<GenerationEnd> whenEnded, DecodeLoop loop) {
        this.tokens = Arrays.copyOf(prompt, Math.min(limit, prompt.length + READY_TOKENS));
        this.promptLength = prompt.length;
        this.limit = limit;
        this.sampler = sampler;
        this.ignoreEog = asked.ignoreEog();
        this.shifts = asked.overflow() == OverflowPolicy.SHIFT;
        this.priority = asked.priority();
        this.speculation = media.isEmpty() ? asked.speculation() : Speculation.none();
        this.number = number;
        this.adapters = adapters;
        this.media = media;
        this.scores = scores;
        this.topLogprobs = asked.topLogprobs();
        this.logprobs = topLogprobs.isPresent() ? new LogprobRecord(topLogprobs.getAsInt(), limit - prompt.length) : null;
        this.load = load;
        this.whenEnded = whenEnded;
        this.loop = loop;
        this.written = promptLength;
        this.taken = promptLength;
    }

    // ---- the loop's side

    /// Asks the vocabulary, which remembers them, for the texts of all that was generated and not read.
    void makeUnreadTexts(Vocab vocab) {
        int[] all = tokens;
        int end = written;
        // The one that was taken last may be in its reader's hands, still without a text.
        for (int i = Math.max(promptLength, taken - 1); i < end; i++) {
            vocab.pieceBytes(all[i], false);
            vocab.pieceBytes(all[i], true); // where a format shows it
            logprobsAt(i, vocab);
        }
    }

    int[] tokens() {
        return tokens;
    }

    /// How many of its first tokens may have been evaluated for another request: all but those whose logits it needs.
    int reusable() {
        return scores == null ? media.whole(written - 1) : scores.reuses ? scores.from - 1 : 0;
    }

    /// Tokens that are known: the prompt and what was generated.
    int length() {
        return written;
    }

    /// Generated tokens that nobody has read.
    int unread() {
        return written - taken;
    }

    /// Whether it must not go on because its reader fell behind.
    ///
    /// @param waitsForReaders whether the loop waits for readers at all
    boolean isPaused(boolean waitsForReaders) {
        boolean paused = waitsForReaders && unread() >= (pausesLoop ? READ_AHEAD / 2 : READ_AHEAD);
        if (paused != pausesLoop) {
            pausesLoop = paused;
            // The reader may have read on before it could see that it is waited for.
            paused = paused && unread() >= READ_AHEAD / 2;
        }
        return paused;
    }

    /// Whether it was found paused last.
    boolean isPausing() {
        return pausesLoop;
    }

    /// The request has a sequence that holds so many of its tokens. Returns whether it had none before: what is evaluated again was no saving.
    boolean admitted(int cached) {
        if (admittedNanos != 0) {
            return false;
        }
        admittedNanos = System.nanoTime();
        cachedTokens = cached;
        return true;
    }

    /// A token was generated: the one of a round's `row`-th row.
    void append(int id, SamplingRound round, int row, long nanos) {
        int at = written;
        if (at == promptLength) {
            firstNanos = nanos;
            evaluatedPromptTokens = promptLength - cachedTokens;
        }
        lastNanos = nanos;
        if (at == tokens.length) {
            tokens = Arrays.copyOf(tokens, Math.clamp(2L * at, 1, limit));
        }
        tokens[at] = id;
        if (logprobs != null) {
            logprobs.put(at - promptLength, round, row);
        }
        written = at + 1;
    }

    // What was guessed ahead, for its timings.

    void guessedBy(LaneDrafts guessing) {
        drafts = guessing;
    }

    void guessed(long nanos) {
        guessingNanos += nanos;
    }

    void checked(int tokens) {
        draftedTokens += tokens;
    }

    void accepted(int tokens) {
        acceptedTokens += tokens;
    }

    /// Lets the reader see what was appended.
    void wakeReader() {
        Thread waiting = reader;
        if (waiting != null) {
            LockSupport.unpark(waiting);
        }
    }

    // ---- the reader's side

    /// The next id, or -1 after the last. Waits. An interrupt cancels, and stays set.
    ///
    /// @throws RuntimeException what the request failed with
    int take() {
        boolean interrupted = false;
        try {
            while (true) {
                int next = taken;
                if (next < written) {
                    taken = next + 1;
                    if (pausesLoop) {
                        loop.wake();
                    }
                    return tokens[next];
                }
                if (announced) {
                    if (next < written) {
                        continue;
                    }
                    end.get().failure().ifPresent(failure -> {
                        throw failure;
                    });
                    return NONE;
                }
                interrupted |= await(next);
            }
        } finally {
            if (interrupted) {
                Thread.currentThread().interrupt();
            }
        }
    }

    /// What the model thought of the id that was taken last, where that was asked for.
    Optional<Logprobs> takenLogprobs(Vocab vocab) {
        return logprobsAt(taken - 1, vocab);
    }

    private Optional<Logprobs> logprobsAt(int index, Vocab vocab) {
        return logprobs == null ? Optional.empty() : Optional.of(logprobs.get(index - promptLength, tokens[index], vocab));
    }

    /// Waits for something new; returns whether the thread was interrupted, which cancels.
    private boolean await(int seen) {
        reader = Thread.currentThread();
        try {
            if (written == seen && !announced) {
                LockSupport.park(this);
            }
        } finally {
            reader = null;
        }
        if (Thread.interrupted()) {
            endEarly(FinishReason.CANCELLED);
            return true;
        }
        return false;
    }

    // ---- any side

    /// Ends the request, unless it has ended. Whoever waits is told after `whenEnded` was.
    void finish(FinishReason reason, RuntimeException failure) {
        var ended = new GenerationEnd(reason, usage(), timings(), Optional.ofNullable(failure));
        if (end.compareAndSet(null, ended)) {
            ended.tell(whenEnded);
            announced = true;
            wakeReader();
        }
    }

    /// Ends it from outside of the loop, whose decode stops if it is for this request alone.
    void endEarly(FinishReason reason) {
        if (!isEnded()) {
            finish(reason, null);
            loop.cancelled(this);
            LaneDrafts guessing = drafts;
            if (guessing != null) {
                guessing.cancel();
            }
        }
    }

    boolean isEnded() {
        return end.get() != null;
    }

    /// How it ended, once that was announced; or null.
    GenerationEnd end() {
        return announced ? end.get() : null;
    }

    Usage usage() {
        return new Usage(promptLength, cachedTokens, written - promptLength);
    }

    Timings timings() {
        Duration prefill = between(admittedNanos, firstNanos);
        Duration decode = between(firstNanos, lastNanos);
        return new Timings(load, prefill, between(startNanos, firstNanos), decode, perSecond(evaluatedPromptTokens, prefill),
                perSecond(written - promptLength - 1, decode), draftStatistics());
    }

    private DraftStatistics draftStatistics() {
        return speculation instanceof Speculation.None ? DraftStatistics.NONE
                : new DraftStatistics(draftedTokens, acceptedTokens, Duration.ofNanos(guessingNanos));
    }

    private static Duration between(long from, long to) {
        return from == 0 || to == 0 ? Duration.ZERO : Duration.ofNanos(to - from);
    }

    private static double perSecond(int count, Duration time) {
        return count <= 0 || time.isZero() ? 0 : count * 1e9 / time.toNanos();
    }
}
