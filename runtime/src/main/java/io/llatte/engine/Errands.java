package io.llatte.engine;

import io.llatte.EngineClosedException;
import java.util.Queue;
import java.util.concurrent.Callable;
import java.util.concurrent.CancellationException;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;

/// What other threads want done by the one that decodes, between two steps.
final class Errands {

    private final Queue<FutureTask<?>> waiting = new ConcurrentLinkedQueue<>();
    private volatile boolean refuses;

    /// Has a call done, and waits for it.
    ///
    /// @param wake wakes the thread that decodes
    /// @throws EngineClosedException if that has ended
    /// @throws CancellationException if this thread is interrupted; the interrupt stays set
    <T> T call(Callable<T> call, Runnable wake) {
        var task = new FutureTask<>(call);
        waiting.add(task);
        wake.run();
        if (refuses) {
            refuseAll();
        }
        try {
            return task.get();
        } catch (CancellationException e) {
            throw new EngineClosedException("the engine was closed before this was done", e);
        } catch (InterruptedException e) {
            task.cancel(false);
            Thread.currentThread().interrupt();
            throw new CancellationException("interrupted while the engine was waited for");
        } catch (ExecutionException e) {
            switch (e.getCause()) {
                case RuntimeException failure -> throw failure;
                case Error failure -> throw failure;
                default -> throw new IllegalStateException(e.getCause());
            }
        }
    }

    boolean isEmpty() {
        return waiting.isEmpty();
    }

    /// Does what waits. The decoding thread's.
    void run() {
        for (FutureTask<?> next = waiting.poll(); next != null; next = waiting.poll()) {
            next.run();
        }
    }

    /// Nothing is done any more.
    void refuseAll() {
        refuses = true;
        for (FutureTask<?> next = waiting.poll(); next != null; next = waiting.poll()) {
            next.cancel(false);
        }
    }
}
