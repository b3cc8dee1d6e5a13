package io.llatte;

import java.util.Optional;
import java.util.concurrent.CompletableFuture;

/// A load, a switch or an unload that was asked for. Any number of callers wait for it; the last that gives up cancels it.
final class Transition {

    private final Optional<String> target;
    private final String reason;
    private final CompletableFuture<Void> result = new CompletableFuture<>();
    private int waiters;
    private boolean chosen;
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

    /// The application chose the target, and that is to be remembered; a request that needs a model chooses none. The runtime's lock is held.
    void choose() {
        chosen = true;
    }

    /// The runtime's lock is held.
    boolean isChosen() {
        return chosen;
    }

    /// Counts one more who waits. False where everybody has given up already: whoever comes now wants a transition that goes on.
    synchronized boolean enter() {
        if (cancelled) {
            return false;
        }
        waiters++;
        return true;
    }

    /// A caller's own future: cancelling it leaves the others. Empty where everybody has given up already, as of [#enter].
    Optional<CompletableFuture<Void>> join() {
        if (!enter()) {
            return Optional.empty();
        }
        var waiter = new CompletableFuture<Void>();
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

    /// One who waited wants it no longer.
    synchronized void giveUp() {
        if (--waiters == 0) {
            cancel();
        }
    }

    /// One who waited has what it wanted before this began. Returns whether nobody is left, and it is not to begin.
    synchronized boolean leave() {
        waiters--;
        cancelled |= waiters == 0;
        return waiters == 0;
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
