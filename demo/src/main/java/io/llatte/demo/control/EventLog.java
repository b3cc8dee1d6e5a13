package io.llatte.demo.control;

import com.fasterxml.jackson.databind.node.ObjectNode;
import io.llatte.LlmEvent;
import io.llatte.demo.llm.Remedies;
import io.llatte.demo.llm.ServedModels;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CancellationException;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;

/// What the runtime told of itself: the last entries of the timeline, how far a load is, why the last one failed, what requests took. Any thread reads,
/// and may wait for more.
final class EventLog {

    private static final int KEPT = 100;

    private final RecentRequests requests = new RecentRequests();
    private final ReentrantLock lock = new ReentrantLock();
    private final Condition changed = lock.newCondition();

    // All guarded by the lock.
    private final Deque<Kept> timeline = new ArrayDeque<>();
    private TimelineEntry newest = new TimelineEntry("", "", "", "info");
    private String loaded = "";
    private long lastId;
    private long version;
    private LoadStage stage = LoadStage.NONE;
    private Optional<LlmEvent.Failed> failure = Optional.empty();
    private boolean closed;

    /// An entry with its place.
    ///
    /// @param json what clients are told
    record Kept(long id, ObjectNode json) {
    }

    /// @param version rises with each change
    /// @param entries those after the one that was asked for, the oldest first
    record News(long version, List<Kept> entries, boolean closed) {
    }

    /// Takes an event in.
    void hear(LlmEvent event) {
        if (event instanceof LlmEvent.Generated ended) {
            requests.ended(ended);
        }
        lock.lock();
        try {
            stage = stage.after(event);
            switch (event) {
                case LlmEvent.Ready ready -> {
                    loaded = ready.modelId();
                    failure = Optional.empty();
                }
                case LlmEvent.Unloaded _ -> loaded = "";
                // What failed and is not what answers is a load.
                case LlmEvent.Failed failed when !failed.modelId().equals(loaded) -> failure = failed.error() instanceof CancellationException ? failure : Optional.of(failed);
                case LlmEvent.Failed _ -> requests.failed();
                default -> { }
            }
            TimelineEntry.of(event).ifPresent(this::keep);
            version++;
            changed.signalAll();
        } finally {
            lock.unlock();
        }
    }

    private void keep(TimelineEntry entry) {
        if (!entry.continues(newest)) {
            newest = entry;
            timeline.addLast(new Kept(++lastId, entry.toJson(lastId, System.currentTimeMillis())));
            if (timeline.size() > KEPT) {
                timeline.removeFirst();
            }
        }
    }

    /// Waits for a change, if there is none yet.
    ///
    /// @param after the last entry that is known
    /// @param known the version that is known
    News await(long after, long known, Duration patience) throws InterruptedException {
        lock.lockInterruptibly();
        try {
            long left = patience.toNanos();
            while (version == known && left > 0 && !closed) {
                left = changed.awaitNanos(left);
            }
            return new News(version, timeline.stream().filter(kept -> kept.id > after).toList(), closed);
        } finally {
            lock.unlock();
        }
    }

    /// Wakes all who wait.
    void wake() {
        lock.lock();
        try {
            changed.signalAll();
            version++;
        } finally {
            lock.unlock();
        }
    }

    /// Nothing comes any more.
    void close() {
        lock.lock();
        try {
            closed = true;
            changed.signalAll();
        } finally {
            lock.unlock();
        }
    }

    /// What a status says of the load, the failure and the requests.
    void put(ObjectNode status, ObjectNode statistics) {
        requests.put(statistics);
        lock.lock();
        try {
            stage.put(status);
            if (failure.isEmpty()) {
                status.putNull("error");
                return;
            }
            Throwable error = failure.get().error();
            String model = failure.get().modelId();
            status.putObject("error").put("type", error.getClass().getSimpleName()).put("message", error.getMessage())
                    .put("remediation", Remedies.of(error)).put("model", model.isEmpty() ? null : ServedModels.nameOf(model));
        } finally {
            lock.unlock();
        }
    }
}
