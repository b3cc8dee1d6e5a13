package io.llatte.engine;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicIntegerArray;

/// What the sequences do, for any thread to read. The decode loop writes it once a step, without a lock and without allocating.
final class SlotBoard {

    /// A sequence's tokens; their complement where it is busy, which tells a request that has nothing evaluated yet from none.
    private final AtomicIntegerArray tokens;

    SlotBoard(int count) {
        tokens = new AtomicIntegerArray(count);
    }

    void show(Lanes lanes) {
        for (int i = 0; i < lanes.count(); i++) {
            Lane lane = lanes.get(i);
            tokens.setRelease(i, lane.isIdle() ? lane.position : ~lane.position);
        }
    }

    /// @param ended whether nothing is held any longer
    List<SlotStatus> read(boolean ended) {
        List<SlotStatus> slots = new ArrayList<>();
        for (int i = 0; i < tokens.length(); i++) {
            int shown = ended ? 0 : tokens.getAcquire(i);
            SlotStatus.State state = shown < 0 ? SlotStatus.State.BUSY : shown > 0 ? SlotStatus.State.KEPT : SlotStatus.State.FREE;
            slots.add(new SlotStatus(i, state, shown < 0 ? ~shown : shown));
        }
        return List.copyOf(slots);
    }
}
