package io.llatte.engine;

import io.llatte.llama.FinishReason;

/// Which of the waiting requests get a lane, and which running one gives its own up when the cache is full. The decode loop's own.
final class Admission {

    /// The part of the cache that a further request must leave free: without some room to grow it would be the next to be set back.
    private static final int ROOM_DIVISOR = 16;

    private final WaitingRequests waiting;
    private final Lanes lanes;
    private final int contextLength;
    private final boolean unified;

    /// @param contextLength tokens that the cache holds
    /// @param unified whether the sequences share it
    Admission(WaitingRequests waiting, Lanes lanes, int contextLength, boolean unified) {
        this.waiting = waiting;
        this.lanes = lanes;
        this.contextLength = contextLength;
        this.unified = unified;
    }

    /// Gives lanes to those that wait, as far as there is room.
    void admit() {
        while (waiting.size() > 0) {
            Request request = waiting.first();
            if (request == null || !hasRoomFor(request)) {
                return;
            }
            if (request.isEnded()) {
                waiting.remove(request);
                request.sampler.close();
                continue;
            }
            Lane lane = lanes.place(request);
            if (lane == null) {
                return;
            }
            waiting.remove(request);
            prepareDrafts(lane);
        }
    }

    private void prepareDrafts(Lane lane) {
        try {
            lane.prepareDrafts();
        } catch (RuntimeException notPossible) {
            lanes.end(lane, FinishReason.CANCELLED, notPossible);
        }
    }

    /// A request waits rather than set back one that runs. Cached sequences are no reason to wait.
    private boolean hasRoomFor(Request request) {
        if (!unified || lanes.running() == 0 || request.isEnded()) {
            return true;
        }
        int held = 0;
        int coming = 0;
        for (int i = 0; i < lanes.count(); i++) {
            Lane lane = lanes.get(i);
            if (!lane.isIdle()) {
                held += lane.request.length() - lane.forgotten;
                coming += lane.isFollowing() ? lane.request.length() - lane.followLength : lane.remaining();
            }
        }
        // One count has what is shared twice, the other what is only kept.
        int room = contextLength - contextLength / ROOM_DIVISOR - request.length();
        return Math.min(held, lanes.usedCells() + coming) <= room;
    }

    /// Who came last, by priority, number, and whether its reader lets it wait anyhow; null where nobody runs.
    Lane last(boolean waitsForReaders) {
        Lane last = null;
        for (int i = 0; i < lanes.count(); i++) {
            Lane lane = lanes.get(i);
            if (!lane.isIdle() && (last == null || comesAfter(lane.request, last.request, waitsForReaders))) {
                last = lane;
            }
        }
        return last;
    }

    private static boolean comesAfter(Request request, Request other, boolean waitsForReaders) {
        boolean paused = request.isPaused(waitsForReaders);
        if (paused != other.isPaused(waitsForReaders)) {
            return paused;
        }
        return request.priority != other.priority ? request.priority < other.priority : request.number > other.number;
    }

    /// Takes a lane from its request, which waits for another one and loses nothing but time.
    void setBack(Lane lane) {
        Request request = lane.request;
        lanes.empty(lane);
        lane.release();
        waiting.addAgain(request);
        request.wakeReader();
    }
}
