package io.llatte.engine;

import io.llatte.llama.Batch;
import io.llatte.llama.Sequence;

/// A sequence of the context: what it holds, and the request that it works for, if any. The decode loop's own.
final class Lane {

    static final int NO_ROW = -1;

    final Sequence sequence;

    /// Null where the lane is idle; it then keeps what it held for a prompt that begins the same way.
    Request request;

    /// Tokens that are evaluated.
    int position;

    /// The row of the batch whose logits choose the next token.
    int row = NO_ROW;

    /// Rises with each use: which idle lane was used last.
    long lastUse;

    /// Another lane is evaluating what this one will begin with, up to `followLength`.
    Lane leader;
    Request leaderRequest;
    int followLength;

    /// Where a copy of the sequence is to be kept, because it cannot be cut back to there later; 0 for nowhere.
    int snapshotAt;

    /// After the first `kept` tokens, so many were forgotten to make room.
    int kept;
    int forgotten;

    /// Whether the next batch may take some of its prompt.
    boolean isPromptNext;

    /// Up to which position the next batch takes its tokens.
    private int plannedEnd;

    /// Tokens of it in the batch.
    private int rows;

    Lane(Sequence sequence) {
        this.sequence = sequence;
    }

    boolean isIdle() {
        return request == null;
    }

    boolean isFollowing() {
        return leader != null;
    }

    /// Tokens that are known and not evaluated.
    int remaining() {
        return request.length() - forgotten - position;
    }

    boolean isInBatch() {
        return rows > 0;
    }

    /// The next batch takes its tokens up to this position.
    void planUpTo(int end) {
        plannedEnd = end;
        isPromptNext = false;
    }

    /// Adds what was planned to a batch; the last token that is known asks for logits.
    void addTo(Batch batch) {
        int end = plannedEnd;
        if (end <= position) {
            return;
        }
        int[] tokens = request.tokens();
        boolean last = end == request.length() - forgotten;
        if (last) {
            row = batch.size() + end - position - 1;
        }
        if (forgotten == 0) {
            batch.addAll(tokens, position, end, position, sequence.id(), last);
        } else {
            for (int at = position; at < end; at++) {
                batch.add(tokens[at < kept ? at : at + forgotten], at, sequence.id(), last && at == end - 1);
            }
        }
        rows = end - position;
    }

    /// The batch was evaluated. Returns how many of its tokens were this lane's.
    int evaluated() {
        int count = rows;
        position += count;
        rows = 0;
        return count;
    }

    /// The batch was not evaluated.
    void notEvaluated() {
        row = NO_ROW;
        rows = 0;
    }

    void stopFollowing() {
        leader = null;
        leaderRequest = null;
    }

    void release() {
        request = null;
        stopFollowing();
        snapshotAt = 0;
        kept = 0;
        forgotten = 0;
        notEvaluated();
    }
}
