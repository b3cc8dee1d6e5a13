package io.llatte.internal.ffi;

import io.llatte.bindings.LlamaCpp;
import io.llatte.bindings.llatte_logprobs;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/// The log-probabilities of several rows in native memory, which is reused and collected with this object. Reading allocates nothing.
public final class NativeLogprobs {

    /// How many alternatives a row can have.
    public static final int MAX_ALTERNATIVES = LlamaCpp.LLATTE_MAX_ALTERNATIVES();

    private static final int NOTHING = -1;

    private final MemorySegment all;
    private final MemorySegment[] rows;

    public NativeLogprobs(int capacity) {
        all = llatte_logprobs.allocateArray(capacity, Arena.ofAuto());
        rows = new MemorySegment[capacity];
        for (int i = 0; i < capacity; i++) {
            rows[i] = llatte_logprobs.asSlice(all, i);
            wantNothing(i);
        }
    }

    /// Asks for a row's token and so many alternatives.
    public void want(int index, int alternatives) {
        rows[index].set(ValueLayout.JAVA_INT, llatte_logprobs.wanted$offset(), alternatives);
    }

    public void wantNothing(int index) {
        want(index, NOTHING);
    }

    public boolean isWanted(int index) {
        return rows[index].get(ValueLayout.JAVA_INT, llatte_logprobs.wanted$offset()) != NOTHING;
    }

    MemorySegment segment() {
        return all;
    }

    MemorySegment row(int index) {
        return rows[index];
    }

    /// Of the token itself.
    public float chosen(int index) {
        return rows[index].get(ValueLayout.JAVA_FLOAT, llatte_logprobs.chosen$offset());
    }

    /// How many alternatives there are.
    public int count(int index) {
        return rows[index].get(ValueLayout.JAVA_INT, llatte_logprobs.count$offset());
    }

    /// An alternative's id, the most probable one's at place 0.
    public int id(int index, int place) {
        return rows[index].get(ValueLayout.JAVA_INT, llatte_logprobs.ids$offset() + (long) place * Integer.BYTES);
    }

    public float logprob(int index, int place) {
        return rows[index].get(ValueLayout.JAVA_FLOAT, llatte_logprobs.logprobs$offset() + (long) place * Float.BYTES);
    }
}
