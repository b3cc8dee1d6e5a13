package io.llatte.llama;

import java.util.Objects;

/// How an [Embedder] is made. Immutable.
///
/// @param pooling how the vectors of a text's tokens become one; see [EmbeddingOptions#pooling()]
/// @param longestText tokens of the longest text that is evaluated as one; 0 for the training length, and at most 2048; 512 where the logits of
///        all its tokens are computed beside their vectors, and between the two where the vocabulary is large, as room is kept for their logits
/// @param sequences texts that are evaluated together at most, 1 to 256; models with a recurrent state hold one for each
/// @param threads CPU threads; 0 for the usable physical cores, at most 512
public record EmbedderOptions(Pooling pooling, int longestText, int sequences, int threads) {

    private static final int MAX_SEQUENCES = 256;
    private static final int MAX_THREADS = 512;

    /// llama.cpp keeps a record for each token of a context.
    private static final int MAX_TEXT = 1 << 20;

    public EmbedderOptions {
        Objects.requireNonNull(pooling, "pooling");
        check("longestText", longestText, 0, MAX_TEXT);
        check("sequences", sequences, 1, MAX_SEQUENCES);
        check("threads", threads, 0, MAX_THREADS);
    }

    private static void check(String name, int value, int least, int most) {
        if (value < least || value > most) {
            throw new IllegalArgumentException("%s must be %d to %d: %d".formatted(name, least, most, value));
        }
    }

    public static EmbedderOptions defaults() {
        return new EmbedderOptions(Pooling.MODEL, 0, 32, 0);
    }

    public EmbedderOptions withPooling(Pooling value) {
        return new EmbedderOptions(value, longestText, sequences, threads);
    }

    public EmbedderOptions withLongestText(int value) {
        return new EmbedderOptions(pooling, value, sequences, threads);
    }

    public EmbedderOptions withSequences(int value) {
        return new EmbedderOptions(pooling, longestText, value, threads);
    }

    public EmbedderOptions withThreads(int value) {
        return new EmbedderOptions(pooling, longestText, sequences, value);
    }
}
