package io.llatte.internal.ffi;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/// The arrays of a batch in native memory, filled row by row and reused. Each row belongs to one sequence.
///
/// The memory is collected with this object.
public final class NativeBatch {

    private final int capacity;
    private final MemorySegment tokens;
    private final MemorySegment positions;
    private final MemorySegment sequences;
    private final MemorySegment sequenceCounts;
    private final MemorySegment outputs;
    private MemorySegment embeddings = MemorySegment.NULL;
    private int embeddingLength;
    private boolean causal = true;
    private int size;

    public NativeBatch(int capacity) {
        var memory = Arena.ofAuto();
        this.capacity = capacity;
        tokens = memory.allocate(ValueLayout.JAVA_INT, capacity);
        positions = memory.allocate(ValueLayout.JAVA_INT, capacity);
        sequences = memory.allocate(ValueLayout.JAVA_INT, capacity);
        sequenceCounts = memory.allocate(ValueLayout.JAVA_INT, capacity);
        outputs = memory.allocate(capacity);
        for (int i = 0; i < capacity; i++) {
            sequenceCounts.setAtIndex(ValueLayout.JAVA_INT, i, 1);
        }
    }

    public int capacity() {
        return capacity;
    }

    public int size() {
        return size;
    }

    public void clear() {
        size = 0;
        embeddings = MemorySegment.NULL;
        causal = true;
    }

    public void add(int token, int position, int sequence, boolean output) {
        tokens.setAtIndex(ValueLayout.JAVA_INT, size, token);
        positions.setAtIndex(ValueLayout.JAVA_INT, size, position);
        sequences.setAtIndex(ValueLayout.JAVA_INT, size, sequence);
        outputs.set(ValueLayout.JAVA_BYTE, size, output ? (byte) 1 : (byte) 0);
        size++;
    }

    /// What stands in place of the rows' tokens: `float[size][length]`.
    public void setEmbeddings(MemorySegment source, long firstFloat, int length, boolean causalAttention) {
        embeddings = source.asSlice(firstFloat * Float.BYTES, (long) size * length * Float.BYTES);
        embeddingLength = length;
        causal = causalAttention;
    }

    public boolean hasEmbeddings() {
        return !embeddings.equals(MemorySegment.NULL);
    }

    /// Floats of a row's embedding.
    public int embeddingLength() {
        return embeddingLength;
    }

    /// Whether a row attends to those before it alone.
    public boolean causal() {
        return causal;
    }

    public int token(int row) {
        return tokens.getAtIndex(ValueLayout.JAVA_INT, row);
    }

    public int position(int row) {
        return positions.getAtIndex(ValueLayout.JAVA_INT, row);
    }

    public int sequence(int row) {
        return sequences.getAtIndex(ValueLayout.JAVA_INT, row);
    }

    MemorySegment embeddings() {
        return embeddings;
    }

    /// NULL where there are embeddings.
    MemorySegment tokens() {
        return hasEmbeddings() ? MemorySegment.NULL : tokens;
    }

    MemorySegment positions() {
        return positions;
    }

    MemorySegment sequences() {
        return sequences;
    }

    MemorySegment sequenceCounts() {
        return sequenceCounts;
    }

    MemorySegment outputs() {
        return outputs;
    }
}
