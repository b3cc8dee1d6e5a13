package io.llatte.engine;

/// A decode computes with one set of adapters. Where requests have several, each set has its turn of some steps: to change sets, llama.cpp plans its
/// graph anew. The decode loop's own.
final class AdapterTurns {

    private static final int STEPS = 16;

    private final Lanes lanes;
    private AdapterSet current = AdapterSet.NONE;
    private int steps;
    private int nextLane;

    AdapterTurns(Lanes lanes) {
        this.lanes = lanes;
    }

    /// The set of the next step.
    ///
    /// @param waitsForReaders whether sequences pause whose readers fall behind
    AdapterSet next(boolean waitsForReaders) {
        Lane other = null;
        boolean wanted = false;
        for (int i = 0; i < lanes.count(); i++) {
            Lane lane = lanes.get((nextLane + i) % lanes.count());
            if (lane.isIdle() || lane.request.isPaused(waitsForReaders) || !lanes.isReady(lane)) {
                continue;
            }
            if (lane.request.adapters.equals(current)) {
                wanted = true;
            } else if (other == null) {
                other = lane;
            }
        }
        if (other != null && (!wanted || steps >= STEPS)) {
            current = other.request.adapters;
            nextLane = other.sequence.id() + 1;
            steps = 0;
        }
        steps++;
        return current;
    }
}
