package io.llatte.llama;

import java.util.Objects;

/// What is wanted of embeddings. Immutable.
///
/// @param pooling how the vectors of a text's tokens become one; [Pooling#MODEL] for what the model's file says, and where that says nothing the last
///        token's for a model whose tokens see only those before them, and the mean elsewhere
/// @param normalize whether vectors have the length 1 (Euclidean), so that their scalar product is their cosine
/// @param longText what becomes of a text with more tokens than can be evaluated together
public record EmbeddingOptions(Pooling pooling, boolean normalize, LongText longText) {

    /// What becomes of a long text.
    public enum LongText {
        /// It is a [io.llatte.ContextOverflowException].
        REFUSE,
        /// It is cut into parts as long as possible, each with the special tokens of a whole text. Their vectors, before they are normalised, are
        /// averaged, each weighing as much as it has tokens of the text. No token sees those of another part.
        SPLIT
    }

    public EmbeddingOptions {
        Objects.requireNonNull(pooling, "pooling");
        Objects.requireNonNull(longText, "longText");
    }

    /// The model's pooling, normalised, and long texts refused.
    public static EmbeddingOptions defaults() {
        return new EmbeddingOptions(Pooling.MODEL, true, LongText.REFUSE);
    }

    public EmbeddingOptions withPooling(Pooling value) {
        return new EmbeddingOptions(value, normalize, longText);
    }

    public EmbeddingOptions withNormalize(boolean value) {
        return new EmbeddingOptions(pooling, value, longText);
    }

    public EmbeddingOptions withLongText(LongText value) {
        return new EmbeddingOptions(pooling, normalize, value);
    }
}
