package io.llatte.engine;

import io.llatte.ContextOverflowException;
import io.llatte.EngineBusyException;
import io.llatte.SavedStateException;

/// Takes conversations out of the cache as bytes, and brings them back. The decode loop's own.
final class Sessions {

    private final Lanes lanes;
    private final int contextLength;
    private final boolean unified;

    /// @param contextLength tokens that the cache holds
    /// @param unified whether the sequences share the cache
    Sessions(Lanes lanes, int contextLength, boolean unified) {
        this.lanes = lanes;
        this.contextLength = contextLength;
        this.unified = unified;
    }

    /// The longest beginning of some tokens that the cache holds, and nothing of what follows it there.
    SessionFile save(int[] tokens, SessionOrigin origin) {
        Lane source = lanes.holding(tokens);
        if (source == null) {
            throw new SavedStateException("nothing of the conversation's %d tokens is in the cache".formatted(tokens.length));
        }
        int length = lanes.usable(source, tokens, tokens.length);
        if (source.position == length) {
            return new SessionFile(origin, length, source.sequence.save());
        }
        Lane copy = lanes.copyOf(source, length);
        if (copy == null) {
            throw busy("to copy the conversation's %d tokens to".formatted(length));
        }
        try {
            if (copy.position != length) {
                throw new SavedStateException("the cache cannot be cut to the conversation's %d tokens".formatted(length));
            }
            return new SessionFile(origin, length, copy.sequence.save());
        } finally {
            if (copy != source) {
                lanes.empty(copy);
            }
        }
    }

    /// Makes a sequence that is free hold what was saved, for requests that begin the same way.
    void restore(SessionFile file) {
        Lane lane = lanes.free();
        if (lane == null) {
            throw busy("to hold a session's %d tokens".formatted(file.tokens()));
        }
        lanes.empty(lane);
        while (unified && lanes.usedCells() + file.tokens() > contextLength) {
            if (!lanes.evict()) {
                int room = contextLength - lanes.usedCells();
                throw new ContextOverflowException("a session of %d tokens, and what runs leaves room for %d".formatted(file.tokens(), room),
                        file.tokens(), room);
            }
        }
        lane.sequence.restore(file.state());
        int length = lane.sequence.length();
        if (length != file.tokens()) {
            lane.sequence.clear();
            throw new SavedStateException("the session says that it holds %d tokens, and holds %d".formatted(file.tokens(), length));
        }
        lanes.holds(lane, length);
    }

    private EngineBusyException busy(String purpose) {
        return new EngineBusyException("all %d sequences are busy: there is none %s".formatted(lanes.count(), purpose), lanes.running(),
                lanes.count());
    }
}
