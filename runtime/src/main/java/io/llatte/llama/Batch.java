package io.llatte.llama;

import io.llatte.internal.ffi.NativeBatch;
import java.util.Objects;

/// Tokens to be evaluated together, each with its position and sequence; fixed capacity, reused from decode to decode. One thread.
public final class Batch {

    private final NativeBatch rows;

    Batch(int capacity) {
        rows = new NativeBatch(capacity);
    }

    /// How many tokens it can hold: the context's batch size.
    public int capacity() {
        return rows.capacity();
    }

    public int size() {
        return rows.size();
    }

    public boolean isEmpty() {
        return rows.size() == 0;
    }

    /// Empties it. Nothing is freed.
    public Batch clear() {
        rows.clear();
        return this;
    }

    /// Adds a token. Ids, positions and sequences are checked when the batch is decoded.
    ///
    /// @param position its place in the sequence, from 0; the next after the sequence's last
    /// @param output whether its logits are wanted
    /// @throws IllegalStateException if the batch is full
    public Batch add(int token, int position, int sequence, boolean output) {
        if (rows.size() == rows.capacity()) {
            throw new IllegalStateException("the batch is full: " + rows.capacity() + " tokens");
        }
        rows.add(token, position, sequence, output);
        return this;
    }

    /// Adds `tokens[from]` to `tokens[to - 1]` at rising positions.
    ///
    /// @param position the first token's place in the sequence
    /// @param lastOutput whether the last token's logits are wanted
    /// @throws IllegalStateException if they do not fit; the batch is then as it was
    public Batch addAll(int[] tokens, int from, int to, int position, int sequence, boolean lastOutput) {
        return addAll(tokens, from, to, position, sequence, lastOutput ? position + to - from - 1 : Integer.MAX_VALUE);
    }

    /// The same, asking for the logits of each token from a position on.
    ///
    /// @param outputFrom the first position whose logits are wanted
    /// @throws IllegalStateException if they do not fit; the batch is then as it was
    public Batch addAll(int[] tokens, int from, int to, int position, int sequence, int outputFrom) {
        Objects.checkFromToIndex(from, to, tokens.length);
        if (to - from > rows.capacity() - rows.size()) {
            throw new IllegalStateException("%d tokens do not fit into the batch: %d of %d are used"
                    .formatted(to - from, rows.size(), rows.capacity()));
        }
        for (int i = from; i < to; i++) {
            int at = position + i - from;
            rows.add(tokens[i], at, sequence, at >= outputFrom);
        }
        return this;
    }

    NativeBatch rows() {
        return rows;
    }
}
