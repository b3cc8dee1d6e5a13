package io.llatte;

import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import java.util.function.Supplier;

/// Does, away from the threads of engine and callers, what follows activity: a look at the memory at once, and an unload when there was none
/// for long enough.
final class IdleTimer implements AutoCloseable {

    // Nothing is done any more after the close, and nobody needs to hear of that.
    private final ScheduledThreadPoolExecutor executor = new ScheduledThreadPoolExecutor(1,
            Thread.ofPlatform().daemon().name("llatte-timer").factory(), new ThreadPoolExecutor.DiscardPolicy());
    private final Optional<Duration> limit;
    private final Supplier<Duration> idleFor;
    private final Consumer<Duration> whenIdle;
    private final Runnable afterActivity;
    private boolean waiting;

    /// @param idleFor how long nothing has happened
    /// @param whenIdle called with the limit when it was reached
    /// @param afterActivity called soon after each activity
    IdleTimer(Optional<Duration> limit, Supplier<Duration> idleFor, Consumer<Duration> whenIdle, Runnable afterActivity) {
        this.limit = limit;
        this.idleFor = idleFor;
        this.whenIdle = whenIdle;
        this.afterActivity = afterActivity;
    }

    /// Something happened. Returns at once.
    void activity() {
        executor.execute(afterActivity);
        limit.ifPresent(this::startWaiting);
    }

    private synchronized void startWaiting(Duration idle) {
        if (!waiting) {
            waiting = true;
            schedule(idle);
        }
    }

    private void schedule(Duration delay) {
        executor.schedule(this::check, delay.toMillis() + 1, TimeUnit.MILLISECONDS);
    }

    private void check() {
        Duration left = limit.orElseThrow().minus(idleFor.get());
        synchronized (this) {
            if (left.isPositive()) {
                schedule(left);
                return;
            }
            waiting = false;
        }
        whenIdle.accept(limit.orElseThrow());
    }

    @Override
    public void close() {
        executor.shutdownNow();
    }
}
