package io.llatte.engine;

import io.llatte.llama.FlashAttention;
import io.llatte.llama.KvType;
import io.llatte.llama.SplitMode;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Objects;
import java.util.OptionalInt;

/// Where and how a model is loaded. Immutable.
///
/// @param policy where it may run
/// @param contextSize how many tokens it can keep in mind
/// @param gpuLayers layers to put on GPUs; empty for as many as fit
/// @param devices names of the GPUs to use; empty for all
/// @param tensorSplit the share of each GPU, in any unit; empty for llama.cpp's choice
/// @param splitMode how the model is spread over several GPUs
/// @param keyType number format of the KV cache's keys
/// @param valueType number format of the KV cache's values; a quantised one needs flash attention
/// @param flashAttention whether attention is fused
/// @param threads CPU threads of a decode of one token, 0 for the usable physical cores, at most 512
/// @param batchThreads CPU threads of a larger decode, as of a prompt or of several sequences, 0 for as many as `threads`, at most 512
/// @param processors the system's numbers of those that the decode thread and its CPU threads run on, at most 65536 of them; empty for all. Linux only
/// @param sequences requests that are answered at the same time, 1 to 256. Idle ones keep what they held for a prompt that begins the same way
/// @param microBatchSize tokens that one step evaluates at most: more is faster for long prompts, less lets running answers go on sooner
/// @param queueLimit requests that may wait for a sequence
/// @param reproducible one request after the other, each from an empty cache: an answer does not depend on what else was asked. Without it a
///        token's numbers differ in their last digits with the shape of the batch that it is evaluated in
/// @param unifiedKv whether all sequences share the whole context, which is right where their lengths differ or many begin alike; or each has an
///        equal part of it, which is faster where many generate at once, as attention then reads one sequence's part and not all of them
/// @param deliveryDelay how long a token may wait for those of the next steps before a reader that waits is woken for all of them, at most 1 s. A
///        reader takes a core from under the compute threads; with few cores, waking it for each token costs 3 to 6 % of the speed. The first token of an
///        answer and the last do not wait, and none does for a step that takes longer than this. Zero for no wait at all
/// @param mtpLayers whether the model's layers for multi-token prediction are loaded too, if it has any; [io.llatte.llama.Speculation.Mtp] needs them
/// @param projector with what the model sees or hears
public record EngineOptions(PlacementPolicy policy, ContextSize contextSize, OptionalInt gpuLayers, List<String> devices,
                            List<Float> tensorSplit, SplitMode splitMode, KvType keyType, KvType valueType, FlashAttention flashAttention,
                            int threads, int batchThreads, List<Integer> processors, int sequences, int microBatchSize, int queueLimit, boolean reproducible,
                            boolean unifiedKv, Duration deliveryDelay, boolean mtpLayers, ProjectorSource projector) {

    private static final int MAX_THREADS = 512;
    private static final int MAX_SEQUENCES = 256;
    private static final int MAX_MICRO_BATCH = 1 << 16;

    /// Nobody sees sooner what comes within one.
    private static final Duration DISPLAY_FRAME = Duration.ofMillis(16);

    private static final Duration MAX_DELIVERY_DELAY = Duration.ofSeconds(1);

    public EngineOptions {
        Objects.requireNonNull(policy, "policy");
        Objects.requireNonNull(contextSize, "contextSize");
        Objects.requireNonNull(splitMode, "splitMode");
        Objects.requireNonNull(keyType, "keyType");
        Objects.requireNonNull(valueType, "valueType");
        Objects.requireNonNull(flashAttention, "flashAttention");
        Objects.requireNonNull(projector, "projector");
        devices = List.copyOf(devices);
        tensorSplit = List.copyOf(tensorSplit);
        processors = List.copyOf(processors);
        if (processors.stream().anyMatch(number -> number < 0)) {
            throw new IllegalArgumentException("processors must not be negative: " + processors);
        }
        if (gpuLayers.isPresent() && gpuLayers.getAsInt() < 0) {
            throw new IllegalArgumentException("gpuLayers must not be negative: " + gpuLayers.getAsInt());
        }
        checkThreads("threads", threads);
        checkThreads("batchThreads", batchThreads);
        if (sequences < 1 || sequences > MAX_SEQUENCES) {
            throw new IllegalArgumentException("sequences must be 1 to " + MAX_SEQUENCES + ": " + sequences);
        }
        if (microBatchSize < sequences || microBatchSize > MAX_MICRO_BATCH) {
            throw new IllegalArgumentException("microBatchSize must be %d (the sequences) to %d: %d".formatted(sequences, MAX_MICRO_BATCH,
                    microBatchSize));
        }
        if (queueLimit < 1) {
            throw new IllegalArgumentException("queueLimit must be at least 1: " + queueLimit);
        }
        if (deliveryDelay.isNegative() || deliveryDelay.compareTo(MAX_DELIVERY_DELAY) > 0) {
            throw new IllegalArgumentException("deliveryDelay must be 0 to 1 s: " + deliveryDelay);
        }
        sequences = reproducible ? 1 : sequences;
    }

    private static void checkThreads(String name, int count) {
        if (count < 0 || count > MAX_THREADS) {
            throw new IllegalArgumentException(name + " must be 0 to " + MAX_THREADS + ": " + count);
        }
    }

    public static EngineOptions defaults() {
        return builder().build();
    }

    public static Builder builder() {
        return new Builder();
    }

    /// Collects options; see the record's parameters.
    public static final class Builder {

        private PlacementPolicy policy = PlacementPolicy.PREFER_GPU;
        private ContextSize contextSize = ContextSize.standard();
        private OptionalInt gpuLayers = OptionalInt.empty();
        private List<String> devices = List.of();
        private List<Float> tensorSplit = List.of();
        private SplitMode splitMode = SplitMode.LAYER;
        private KvType keyType = KvType.F16;
        private KvType valueType = KvType.F16;
        private FlashAttention flashAttention = FlashAttention.AUTO;
        private int threads;
        private int batchThreads;
        private List<Integer> processors = List.of();
        private int sequences = 8;
        private int microBatchSize = 512;
        private int queueLimit = 1024;
        private boolean reproducible;
        private boolean unifiedKv = true;
        private Duration deliveryDelay = DISPLAY_FRAME;
        private boolean mtpLayers;
        private ProjectorSource projector = new ProjectorSource.Beside();

        private Builder() {
        }

        public Builder policy(PlacementPolicy value) {
            policy = value;
            return this;
        }

        public Builder contextSize(ContextSize value) {
            contextSize = value;
            return this;
        }

        public Builder gpuLayers(int value) {
            gpuLayers = OptionalInt.of(value);
            return this;
        }

        public Builder devices(List<String> value) {
            devices = value;
            return this;
        }

        public Builder tensorSplit(List<Float> value) {
            tensorSplit = value;
            return this;
        }

        public Builder splitMode(SplitMode value) {
            splitMode = value;
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

        public Builder threads(int value) {
            threads = value;
            return this;
        }

        public Builder batchThreads(int value) {
            batchThreads = value;
            return this;
        }

        public Builder processors(List<Integer> value) {
            processors = value;
            return this;
        }

        public Builder sequences(int value) {
            sequences = value;
            return this;
        }

        public Builder microBatchSize(int value) {
            microBatchSize = value;
            return this;
        }

        public Builder queueLimit(int value) {
            queueLimit = value;
            return this;
        }

        public Builder reproducible(boolean value) {
            reproducible = value;
            return this;
        }

        public Builder unifiedKv(boolean value) {
            unifiedKv = value;
            return this;
        }

        public Builder deliveryDelay(Duration value) {
            deliveryDelay = value;
            return this;
        }

        public Builder mtpLayers(boolean value) {
            mtpLayers = value;
            return this;
        }

        public Builder projector(ProjectorSource value) {
            projector = value;
            return this;
        }

        /// This file and no other.
        public Builder projector(Path value) {
            return projector(new ProjectorSource.File(value));
        }

        public EngineOptions build() {
            return new EngineOptions(policy, contextSize, gpuLayers, devices, tensorSplit, splitMode, keyType, valueType, flashAttention,
                    threads, batchThreads, processors, sequences, microBatchSize, queueLimit, reproducible, unifiedKv, deliveryDelay, mtpLayers, projector);
        }
    }
}
