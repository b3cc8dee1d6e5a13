package io.llatte.llama;

import io.llatte.internal.ffi.NativeBatch;
import java.util.Objects;

/// Tokens to be evaluated together, each with its position and sequence; fixed capacity, reused from decode to decode. One thread.
public final class Batch {

    private final NativeBatch rows;
    private Model reader;

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
        checkTakesTokens();
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
        checkTakesTokens();
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

    /// Adds the embeddings of a picture or sound from `from` to `to - 1`. They are a batch of their own: nothing else may be in it.
    ///
    /// @param position the place of the first of these in the sequence
    /// @param lastOutput whether the last one's logits are wanted
    /// @throws IllegalArgumentException if it is to be evaluated in one micro-batch, and these are only a part of it
    /// @throws IllegalStateException if the batch is not empty, or they do not fit
    public Batch addAll(MediaEmbeddings media, int from, int to, int position, int sequence, boolean lastOutput) {
        Objects.checkFromToIndex(from, to, media.tokens());
        if (media.nonCausal() && to - from < media.tokens()) {
            throw new IllegalArgumentException("%d of %d tokens that attend to one another".formatted(to - from, media.tokens()));
        }
        if (rows.size() > 0 || to - from > rows.capacity()) {
            throw new IllegalStateException("%d embeddings need a batch of their own: %d of %d are used".formatted(to - from, rows.size(),
                    rows.capacity()));
        }
        addAll(media.ids(), from, to, position, sequence, lastOutput);
        reader = media.model();
        rows.setEmbeddings(media.segment(), (long) from * media.embeddingLength(), media.embeddingLength(), !media.nonCausal());
        return this;
    }

    private void checkTakesTokens() {
        if (rows.hasEmbeddings()) {
            throw new IllegalStateException("the batch has %d embeddings, which are evaluated by themselves".formatted(rows.size()));
        }
    }

    /// @throws IllegalArgumentException if it has embeddings of another model
    void checkIsFor(Model model) {
        if (rows.hasEmbeddings() && reader != model) {
            throw new IllegalArgumentException("%d embeddings that were made for another model".formatted(rows.size()));
        }
    }

    NativeBatch rows() {
        return rows;
    }
}
