package io.llatte.llama;

import io.llatte.internal.ffi.NativeContext;
import java.util.Objects;

/// How a context is made. Immutable; defaults are llama.cpp's unless said otherwise.
///
/// @param contextLength tokens that the KV cache holds, over all sequences; 0 for the model's training length. Default 4096: a model's own
///        length can be 100 times that and take more memory than its weights
/// @param batchSize tokens that one decode may carry (`n_batch`), at least `maxSequences`
/// @param microBatchSize tokens that are computed at once (`n_ubatch`), at most `batchSize`
/// @param maxSequences sequences that may live at a time
/// @param threads threads of a one-token decode; 0 for the usable physical cores
/// @param batchThreads threads of a larger decode; 0 for the usable physical cores
/// @param keyType number format of the keys
/// @param valueType number format of the values; a quantised one needs flash attention
/// @param flashAttention whether attention is fused
/// @param pooling how a sequence's embedding is made
/// @param embeddings whether decodes give embeddings, of every token
/// @param offloadKv whether the KV cache lives where its layers live, or in host memory
/// @param unifiedKv one cache for all sequences, or an equal part for each
/// @param fullSlidingWindow whether models with sliding-window attention keep the whole context, which is what allows a sequence to be cut
///        short and its prefix to be used again
/// @param recurrentRollback how many tokens recurrent layers can go back, 0 to 64; each takes a copy of their state in each sequence. Speculation
///        needs its [Speculation#maxTokens()] of them. Architectures that cannot go back have 0 whatever is asked
public record ContextOptions(int contextLength, int batchSize, int microBatchSize, int maxSequences, int threads, int batchThreads,
                             KvType keyType, KvType valueType, FlashAttention flashAttention, Pooling pooling, boolean embeddings,
                             boolean offloadKv, boolean unifiedKv, boolean fullSlidingWindow, int recurrentRollback) {

    private static final int MAX_THREADS = 512;
    private static final int MAX_ROLLBACK = 64;

    public ContextOptions {
        atLeast("contextLength", contextLength, 0);
        atLeast("batchSize", batchSize, 1);
        atLeast("microBatchSize", microBatchSize, 1);
        atLeast("maxSequences", maxSequences, 1);
        atMost("maxSequences", maxSequences, "batchSize", batchSize);
        atMost("microBatchSize", microBatchSize, "batchSize", batchSize);
        atLeast("threads", threads, 0);
        atLeast("batchThreads", batchThreads, 0);
        atMost("threads", threads, "the limit", MAX_THREADS);
        atMost("batchThreads", batchThreads, "the limit", MAX_THREADS);
        atLeast("recurrentRollback", recurrentRollback, 0);
        atMost("recurrentRollback", recurrentRollback, "the limit", MAX_ROLLBACK);
        Objects.requireNonNull(keyType, "keyType");
        Objects.requireNonNull(valueType, "valueType");
        Objects.requireNonNull(flashAttention, "flashAttention");
        Objects.requireNonNull(pooling, "pooling");
    }

    private static void atLeast(String name, int value, int least) {
        if (value < least) {
            throw new IllegalArgumentException(name + " is " + value + ", and must be at least " + least);
        }
    }

    private static void atMost(String name, int value, String limitName, int limit) {
        if (value > limit) {
            throw new IllegalArgumentException(name + " is " + value + ", and must be at most " + limitName + " of " + limit);
        }
    }

    public static ContextOptions defaults() {
        return builder().build();
    }

    public static Builder builder() {
        return new Builder();
    }

    /// A builder that starts from these options.
    public Builder toBuilder() {
        var builder = new Builder();
        builder.contextLength = contextLength;
        builder.batchSize = batchSize;
        builder.microBatchSize = microBatchSize;
        builder.maxSequences = maxSequences;
        builder.threads = threads;
        builder.batchThreads = batchThreads;
        builder.keyType = keyType;
        builder.valueType = valueType;
        builder.flashAttention = flashAttention;
        builder.pooling = pooling;
        builder.embeddings = embeddings;
        builder.offloadKv = offloadKv;
        builder.unifiedKv = unifiedKv;
        builder.fullSlidingWindow = fullSlidingWindow;
        builder.recurrentRollback = recurrentRollback;
        return builder;
    }

    NativeContext.Params toNative() {
        return new NativeContext.Params(contextLength, batchSize, microBatchSize, maxSequences, threadsOr(threads), threadsOr(batchThreads),
                keyType.code(), valueType.code(), flashAttention.code(), pooling.code(), embeddings, offloadKv, unifiedKv,
                fullSlidingWindow, recurrentRollback, false);
    }

    private static int threadsOr(int threads) {
        return threads == 0 ? CpuTopology.usableCores() : threads;
    }

    /// Collects options; see the record's parameters.
    public static final class Builder {

        private int contextLength = 4096;
        private int batchSize = 2048;
        private int microBatchSize = 512;
        private int maxSequences = 1;
        private int threads;
        private int batchThreads;
        private KvType keyType = KvType.F16;
        private KvType valueType = KvType.F16;
        private FlashAttention flashAttention = FlashAttention.AUTO;
        private Pooling pooling = Pooling.MODEL;
        private boolean embeddings;
        private boolean offloadKv = true;
        private boolean unifiedKv;
        private boolean fullSlidingWindow = true;
        private int recurrentRollback;

        private Builder() {
        }

        public Builder contextLength(int value) {
            contextLength = value;
            return this;
        }

        /// Sets the batch size, and lowers the micro-batch size to it where that is larger.
        public Builder batchSize(int value) {
            batchSize = value;
            microBatchSize = Math.min(microBatchSize, value);
            return this;
        }

        public Builder microBatchSize(int value) {
            microBatchSize = value;
            return this;
        }

        public Builder maxSequences(int value) {
            maxSequences = value;
            return this;
        }

        public Builder threads(int value) {
            threads = value;
            return this;
        }

        public Builder batchThreads(int value) {
            batchThreads = value;
            return this;
        }

        public Builder keyType(KvType value) {
            keyType = value;
            return this;
        }

        public Builder valueType(KvType value) {
            valueType = value;
            return this;
        }

        public Builder flashAttention(FlashAttention value) {
            flashAttention = value;
            return this;
        }

        public Builder pooling(Pooling value) {
            pooling = value;
            return this;
        }

        public Builder embeddings(boolean value) {
            embeddings = value;
            return this;
        }

        public Builder offloadKv(boolean value) {
            offloadKv = value;
            return this;
        }

        public Builder unifiedKv(boolean value) {
            unifiedKv = value;
            return this;
        }

        public Builder fullSlidingWindow(boolean value) {
            fullSlidingWindow = value;
            return this;
        }

        public Builder recurrentRollback(int value) {
            recurrentRollback = value;
            return this;
        }

        public ContextOptions build() {
            return new ContextOptions(contextLength, batchSize, microBatchSize, maxSequences, threads, batchThreads, keyType, valueType,
                    flashAttention, pooling, embeddings, offloadKv, unifiedKv, fullSlidingWindow, recurrentRollback);
        }
    }
}
