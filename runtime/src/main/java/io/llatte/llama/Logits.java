package io.llatte.llama;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Objects;

/// The unnormalised scores of one row, `float[vocabSize]` (`llama_get_logits_ith`). Borrows the context's memory: it is valid until the next
/// decode of that context and throws [IllegalStateException] after it.
public final class Logits {

    private final Context context;
    private final long decodes;
    private final MemorySegment scores;

    Logits(Context context, long decodes, MemorySegment scores) {
        this.context = context;
        this.decodes = decodes;
        this.scores = scores;
    }

    /// How many scores there are: the vocabulary's size.
    public int size() {
        return (int) (scores.byteSize() / Float.BYTES);
    }

    /// The score of a token.
    public float get(int id) {
        Objects.checkIndex(id, size());
        return context.whileValid(decodes, () -> scores.getAtIndex(ValueLayout.JAVA_FLOAT, id));
    }

    /// A copy of all scores, which stays valid.
    public float[] toArray() {
        return context.whileValid(decodes, () -> scores.toArray(ValueLayout.JAVA_FLOAT));
    }

    /// The token with the highest score; the first of equal ones.
    public int argmax() {
        return context.whileValid(decodes, this::highest);
    }

    private int highest() {
        int best = 0;
        float bestScore = scores.getAtIndex(ValueLayout.JAVA_FLOAT, 0);
        for (int id = 1; id < size(); id++) {
            float score = scores.getAtIndex(ValueLayout.JAVA_FLOAT, id);
            if (score > bestScore) {
                best = id;
                bestScore = score;
            }
        }
        return best;
    }

    /// The scores themselves, for performance engineers. Nothing guards this memory: it must not be read after the context's next decode or
    /// its end.
    public MemorySegment segment() {
        return context.whileValid(decodes, scores::asReadOnly);
    }
}
