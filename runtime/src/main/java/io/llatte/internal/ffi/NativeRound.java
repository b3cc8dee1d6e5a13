package io.llatte.internal.ffi;

import io.llatte.bindings.LlamaCpp;
import io.llatte.bindings.llatte_error;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/// The arrays of a round of sampling in native memory, filled row by row and reused.
///
/// The memory is collected with this object. The samplers' pointers are plain numbers, which keep nothing alive: their owners hold locks.
public final class NativeRound {

    private final int capacity;
    private final MemorySegment samplers;
    private final MemorySegment rows;
    private final MemorySegment tokens;
    private final MemorySegment statuses;
    private final MemorySegment errors;
    private final MemorySegment error;
    private final NativeLogprobs logprobs;
    private int size;
    private boolean wantsLogprobs;

    public NativeRound(int capacity) {
        var memory = Arena.ofAuto();
        this.capacity = capacity;
        samplers = memory.allocate(ValueLayout.JAVA_LONG, capacity);
        rows = memory.allocate(ValueLayout.JAVA_INT, capacity);
        tokens = memory.allocate(ValueLayout.JAVA_INT, capacity);
        statuses = memory.allocate(ValueLayout.JAVA_INT, capacity);
        errors = llatte_error.allocateArray(capacity, memory);
        error = NativeStatus.newError(memory);
        logprobs = new NativeLogprobs(capacity);
    }

    public int capacity() {
        return capacity;
    }

    public int size() {
        return size;
    }

    public void clear() {
        size = 0;
        wantsLogprobs = false;
    }

    public void add(int row) {
        logprobs.wantNothing(size);
        rows.setAtIndex(ValueLayout.JAVA_INT, size++, row);
    }

    /// The same with the log-probabilities of the row's token and of so many alternatives.
    public void add(int row, int alternatives) {
        add(row);
        logprobs.want(size - 1, alternatives);
        wantsLogprobs = true;
    }

    /// Before each [#sample(NativeContext)]: whose chain chooses from a row. Null for one that is closed.
    public void set(int index, NativeSampler sampler) {
        samplers.setAtIndex(ValueLayout.JAVA_LONG, index, sampler == null ? 0 : sampler.address());
    }

    public boolean isClosed(int index) {
        return samplers.getAtIndex(ValueLayout.JAVA_LONG, index) == 0;
    }

    public void sample(NativeContext context) {
        int status = LlamaCpp.llatte_sampler_sample_rows(context.handle().segment(), size, samplers, rows, tokens, statuses, errors,
                wantsLogprobs ? logprobs.segment() : MemorySegment.NULL, 0, error);
        NativeStatus.check(status, error, "sampling");
    }

    public int token(int index) {
        return tokens.getAtIndex(ValueLayout.JAVA_INT, index);
    }

    /// The rows' log-probabilities, of those that were added with them.
    public NativeLogprobs logprobs() {
        return logprobs;
    }

    public boolean failed(int index) {
        return statuses.getAtIndex(ValueLayout.JAVA_INT, index) != LlamaCpp.LLATTE_OK();
    }

    public RuntimeException failure(int index) {
        int status = statuses.getAtIndex(ValueLayout.JAVA_INT, index);
        int row = rows.getAtIndex(ValueLayout.JAVA_INT, index);
        return NativeStatus.failure(status, llatte_error.asSlice(errors, index), "sampling row " + row);
    }
}
