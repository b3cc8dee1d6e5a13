package io.llatte.llama;

import io.llatte.internal.ffi.NativeModel;
import java.util.Optional;

/// How a model makes embeddings.
///
/// @param pooling what its file says: how vectors of tokens become one of a text; empty where it says nothing, as with most models that generate
/// @param length floats of an embedding
/// @param rankOutputs floats that its classification head gives, 0 for a model that cannot [rank][Embedder#rerank]
/// @param learnedPositions tokens of the longest text, where the model learned its positions; [Integer#MAX_VALUE] elsewhere
/// @param causal whether a token sees only those before it
/// @param logits whether it has a matrix that makes scores of the vocabulary
public record EmbeddingInfo(Optional<Pooling> pooling, int length, int rankOutputs, int learnedPositions, boolean causal, boolean logits) {

    static EmbeddingInfo of(NativeModel.EmbeddingInfo info) {
        return new EmbeddingInfo(poolingOf(info.pooling()), info.length(), info.rankOutputs(), info.positions(), info.causal(), info.logits());
    }

    /// Whether the model generates text; one for embeddings alone, such as BERT, does not.
    public boolean generates() {
        return causal && logits;
    }

    /// The pooling that is meant by one that was asked for; never [Pooling#MODEL]. A file that says none, or nothing, leaves it to the attention:
    /// the last token's vector where tokens see only those before them, the mean elsewhere.
    public Pooling resolve(Pooling wanted) {
        if (wanted != Pooling.MODEL) {
            return wanted;
        }
        return pooling.filter(said -> said != Pooling.NONE).orElse(causal ? Pooling.LAST : Pooling.MEAN);
    }

    private static Optional<Pooling> poolingOf(int code) {
        for (Pooling pooling : Pooling.values()) {
            if (pooling != Pooling.MODEL && pooling.code() == code) {
                return Optional.of(pooling);
            }
        }
        return Optional.empty();
    }
}
