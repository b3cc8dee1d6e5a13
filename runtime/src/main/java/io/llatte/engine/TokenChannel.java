package io.llatte.engine;

import io.llatte.llama.DraftStatistics;
import io.llatte.llama.ChatMessage;
import io.llatte.llama.FinishReason;
import io.llatte.llama.Timings;
import io.llatte.llama.Token;
import io.llatte.llama.Usage;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.NoSuchElementException;
import java.util.Optional;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.BooleanSupplier;
import java.util.function.Consumer;

/// A token stream between the engine's thread, which never waits for the reader, and the thread that reads. It holds at most the tokens of
/// one answer.
final class TokenChannel implements AnswerStream {

    private static final Usage NO_USAGE = new Usage(0, 0, 0);
    private static final Timings NO_TIMINGS = new Timings(Duration.ZERO, Duration.ZERO, Duration.ZERO, Duration.ZERO, 0, 0,
            DraftStatistics.NONE);

    private final ReentrantLock lock = new ReentrantLock();
    private final Condition changed = lock.newCondition();
    private final Deque<Token> tokens = new ArrayDeque<>();
    private final RemoteMessage message = new RemoteMessage();
    private final Consumer<GenerationEnd> whenEnded;
    private Runnable canceller = () -> { };
    private boolean cancelled;
    private boolean closed;
    private boolean announced;
    private GenerationEnd end;
    private Usage usage = NO_USAGE;
    private Timings timings = NO_TIMINGS;

    TokenChannel(Consumer<GenerationEnd> whenEnded) {
        this.whenEnded = whenEnded;
    }

    /// Says how what runs now is cancelled; at once, where that was asked for already.
    void cancelWith(Runnable newCanceller) {
        lock.lock();
        try {
            canceller = newCanceller;
            if (!cancelled) {
                return;
            }
        } finally {
            lock.unlock();
        }
        newCanceller.run();
    }

    boolean isCancelled() {
        lock.lock();
        try {
            return cancelled;
        } finally {
            lock.unlock();
        }
    }

    void add(Token token, Usage soFar) {
        lock.lock();
        try {
            usage = soFar;
            if (!closed) {
                tokens.add(token);
                changed.signalAll();
            }
        } finally {
            lock.unlock();
        }
    }

    void end(FinishReason reason, Usage finalUsage, Timings finalTimings) {
        end(reason, finalUsage, finalTimings, null);
    }

    /// Ends an answer that did not begin.
    void endCancelled() {
        end(FinishReason.CANCELLED, NO_USAGE, NO_TIMINGS, null);
    }

    void fail(RuntimeException e) {
        end(FinishReason.CANCELLED, usage(), timings(), e);
    }

    private void end(FinishReason reason, Usage finalUsage, Timings finalTimings, RuntimeException e) {
        lock.lock();
        try {
            if (end != null) {
                return;
            }
            end = new GenerationEnd(reason, finalUsage, finalTimings, Optional.ofNullable(e));
            usage = finalUsage;
            timings = finalTimings;
            canceller = () -> { };
        } finally {
            lock.unlock();
        }
        // Before any reader learns of the end, so that what it asks next sees the request gone.
        end.tell(whenEnded);
        lock.lock();
        try {
            announced = true;
            changed.signalAll();
        } finally {
            lock.unlock();
        }
    }

    @Override
    public boolean hasNext() {
        lock.lock();
        try {
            awaitUntil(() -> !tokens.isEmpty() || announced);
            if (!tokens.isEmpty()) {
                return true;
            }
            if (end.failure().isPresent() && !closed) {
                throw end.failure().get();
            }
            return false;
        } finally {
            lock.unlock();
        }
    }

    /// Waits with the lock held. An interrupt cancels the answer, which then ends soon, and stays set.
    private void awaitUntil(BooleanSupplier condition) {
        boolean interrupted = false;
        while (!condition.getAsBoolean()) {
            try {
                changed.await();
            } catch (InterruptedException e) {
                interrupted = true;
                cancelUnlocked();
            }
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }

    private void cancelUnlocked() {
        lock.unlock();
        try {
            cancel();
        } finally {
            lock.lock();
        }
    }

    @Override
    public boolean isReady() {
        lock.lock();
        try {
            return !tokens.isEmpty() || announced;
        } finally {
            lock.unlock();
        }
    }

    @Override
    public Token next() {
        if (!hasNext()) {
            throw new NoSuchElementException("the generation has ended: " + finishReason());
        }
        lock.lock();
        try {
            Token token = tokens.poll();
            if (token == null) {
                throw new NoSuchElementException("another thread took the last token");
            }
            return token;
        } finally {
            lock.unlock();
        }
    }

    @Override
    public ChatMessage message() {
        return message.message();
    }

    /// What is said so far, to be added to.
    RemoteMessage said() {
        return message;
    }

    @Override
    public void cancel() {
        Runnable call;
        lock.lock();
        try {
            cancelled = true;
            call = canceller;
        } finally {
            lock.unlock();
        }
        call.run();
    }

    @Override
    public FinishReason finishReason() {
        lock.lock();
        try {
            return announced && tokens.isEmpty() ? end.finishReason() : null;
        } finally {
            lock.unlock();
        }
    }

    @Override
    public Usage usage() {
        lock.lock();
        try {
            return usage;
        } finally {
            lock.unlock();
        }
    }

    @Override
    public Timings timings() {
        lock.lock();
        try {
            return timings;
        } finally {
            lock.unlock();
        }
    }

    @Override
    public void close() {
        cancel();
        lock.lock();
        try {
            closed = true;
            tokens.clear();
            awaitUntil(() -> announced);
        } finally {
            lock.unlock();
        }
    }
}
