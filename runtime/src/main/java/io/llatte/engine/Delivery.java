package io.llatte.engine;

import java.time.Duration;

/// When readers are woken. A reader that is woken takes a core from under the compute threads, so it is woken once for what comes within a moment; it
/// is not made to wait for a step that takes longer than that. The decode loop's own.
final class Delivery {

    private final Lanes lanes;
    private final long mostNanos;
    private long oldest;
    private boolean waits;
    private boolean urgent;

    /// @param most how long a token may wait for more
    Delivery(Lanes lanes, Duration most) {
        this.lanes = lanes;
        this.mostNanos = most.toNanos();
    }

    /// A token came.
    ///
    /// @param first whether it is its answer's first, which nobody must wait for
    void came(boolean first, long nanos) {
        if (!waits) {
            waits = true;
            oldest = nanos;
        }
        urgent |= first;
    }

    /// Wakes readers, unless the tokens that came can wait for those of the next step.
    ///
    /// @param stepNanos how long that will take
    void beforeStep(long stepNanos) {
        if (waits && (stepNanos > mostNanos || System.nanoTime() - oldest > mostNanos - stepNanos)) {
            deliver();
        }
    }

    /// Wakes readers where one of them gets its first token.
    void afterStep() {
        if (urgent) {
            deliver();
        }
    }

    /// Wakes all readers whose tokens came.
    void deliver() {
        if (!waits) {
            return;
        }
        waits = false;
        urgent = false;
        for (int i = 0; i < lanes.count(); i++) {
            Lane lane = lanes.get(i);
            if (!lane.isIdle()) {
                lane.request.wakeReader();
            }
        }
    }
}
