package io.llatte;

import java.util.Optional;
import java.util.concurrent.CompletableFuture;

/// A load, a switch or an unload that was asked for. Any number of callers wait for it; the last that gives up cancels it.
final class Transition {

    private final Optional<String> target;
    private final String reason;
    private final CompletableFuture<Void> result = new CompletableFuture<>();
    private int waiters;
    private boolean cancelled;
    private Thread runner;

    private Transition(Optional<String> target, String reason) {
        this.target = target;
        this.reason = reason;
    }

    static Transition to(String modelId) {
        return new Transition(Optional.of(modelId), "asked for");
    }

    /// @param reason why nothing is to be loaded
    static Transition toNothing(String reason) {
        return new Transition(Optional.empty(), reason);
    }

    /// The model that is to be loaded; empty where none is.
    Optional<String> target() {
        return target;
    }

    String reason() {
        return reason;
    }

    /// A caller's own future: cancelling it leaves the others. Empty where everybody has given up already: whoever comes now wants a
    /// transition that goes on.
    Optional<CompletableFuture<Void>> join() {
        var waiter = new CompletableFuture<Void>();
        synchronized (this) {
            if (cancelled) {
                return Optional.empty();
            }
            waiters++;
        }
        result.whenComplete((value, failure) -> {
            if (failure != null) {
                waiter.completeExceptionally(failure);
            } else {
                waiter.complete(value);
            }
        });
        waiter.whenComplete((value, failure) -> {
            if (waiter.isCancelled() && !result.isDone()) {
                giveUp();
            }
        });
        return Optional.of(waiter);
    }

    private synchronized void giveUp() {
        if (--waiters == 0) {
            cancel();
        }
    }

    /// Stops it where it is; what is under way is undone.
    synchronized void cancel() {
        cancelled = true;
        if (runner != null) {
            runner.interrupt();
        }
    }

    /// Runs a part that may be cancelled, by interrupting the thread. No interrupt outlives it.
    void runInterruptibly(Runnable part) {
        synchronized (this) {
            runner = Thread.currentThread();
            if (cancelled) {
                runner.interrupt();
            }
        }
        try {
            part.run();
        } finally {
            synchronized (this) {
                runner = null;
                Thread.interrupted();
            }
        }
    }

    void complete() {
        result.complete(null);
    }

    void fail(Throwable failure) {
        result.completeExceptionally(failure);
    }
}
