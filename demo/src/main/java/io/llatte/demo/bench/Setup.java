package io.llatte.demo.bench;

import io.llatte.engine.ContextSize;
import io.llatte.engine.EngineOptions;
import io.llatte.engine.PlacementPolicy;
import io.llatte.llama.ContextOptions;
import io.llatte.llama.FlashAttention;
import io.llatte.llama.KvType;
import io.llatte.llama.Llama;
import io.llatte.llama.ModelOptions;
import java.nio.file.Path;
import java.util.List;

/// What a workload is measured with.
///
/// @param model the GGUF file
/// @param gpuLayers layers on GPUs; -1 for all, 0 for none
/// @param threads CPU threads
/// @param batchSize tokens that one decode may carry; the levels above `low` have a batch size of their own
/// @param microBatchSize tokens that are computed at once; what a step of the engine evaluates at most
/// @param keyType number format of the keys
/// @param valueType number format of the values
/// @param flashAttention whether attention is fused
/// @param unifiedKv whether all sequences share one cache, or each has an equal part, as in llama.cpp's programs
public record Setup(Path model, int gpuLayers, int threads, int batchSize, int microBatchSize, KvType keyType, KvType valueType,
                    FlashAttention flashAttention, boolean unifiedKv) {

    /// llama.cpp divides a cache by sequences, and rounds each part up to this.
    private static final int CACHE_STEP = 256;

    /// A model with what llama.cpp's programs do unless they are told otherwise.
    public static Setup of(Path model) {
        return new Setup(model, -1, Llama.defaultThreads(), 2048, 512, KvType.F16, KvType.F16, FlashAttention.AUTO, false);
    }

    public Setup withGpuLayers(int value) {
        return new Setup(model, value, threads, batchSize, microBatchSize, keyType, valueType, flashAttention, unifiedKv);
    }

    public Setup withThreads(int value) {
        return new Setup(model, gpuLayers, value, batchSize, microBatchSize, keyType, valueType, flashAttention, unifiedKv);
    }

    public Setup withBatchSize(int value) {
        return new Setup(model, gpuLayers, threads, value, microBatchSize, keyType, valueType, flashAttention, unifiedKv);
    }

    public Setup withMicroBatchSize(int value) {
        return new Setup(model, gpuLayers, threads, batchSize, value, keyType, valueType, flashAttention, unifiedKv);
    }

    public Setup withKeyType(KvType value) {
        return new Setup(model, gpuLayers, threads, batchSize, microBatchSize, value, valueType, flashAttention, unifiedKv);
    }

    public Setup withValueType(KvType value) {
        return new Setup(model, gpuLayers, threads, batchSize, microBatchSize, keyType, value, flashAttention, unifiedKv);
    }

    public Setup withFlashAttention(FlashAttention value) {
        return new Setup(model, gpuLayers, threads, batchSize, microBatchSize, keyType, valueType, value, unifiedKv);
    }

    public Setup withUnifiedKv(boolean value) {
        return new Setup(model, gpuLayers, threads, batchSize, microBatchSize, keyType, valueType, flashAttention, value);
    }

    /// What all sequences of the workloads need together.
    static int contextLength(List<Workload> workloads, int perSequenceExtra) {
        int length = workloads.stream().mapToInt(Workload::length).max().orElseThrow() + perSequenceExtra;
        return maxSequences(workloads) * Math.ceilDiv(length, CACHE_STEP) * CACHE_STEP;
    }

    static int maxSequences(List<Workload> workloads) {
        return workloads.stream().mapToInt(Workload::sequences).max().orElseThrow();
    }

    ModelOptions modelOptions() {
        return gpuLayers == 0 ? ModelOptions.cpuOnly() : ModelOptions.builder().gpuLayers(gpuLayers).build();
    }

    ContextOptions contextOptions(List<Workload> workloads) {
        return ContextOptions.builder().contextLength(Level.LOW.contextLength(workloads)).maxSequences(maxSequences(workloads))
                .batchSize(batchSize).microBatchSize(Math.min(microBatchSize, batchSize)).threads(threads).batchThreads(threads)
                .keyType(keyType).valueType(valueType).flashAttention(flashAttention).unifiedKv(unifiedKv)
                .fullSlidingWindow(false).build();
    }

    EngineOptions engineOptions(int contextLength, int sequences) {
        EngineOptions.Builder options = EngineOptions.builder().contextSize(ContextSize.of(contextLength)).threads(threads)
                .sequences(sequences).microBatchSize(Math.min(microBatchSize, batchSize))
                .keyType(keyType).valueType(valueType).flashAttention(flashAttention).unifiedKv(unifiedKv);
        if (gpuLayers == 0) {
            options.policy(PlacementPolicy.CPU_ONLY);
        } else if (gpuLayers > 0) {
            options.gpuLayers(gpuLayers);
        }
        return options.build();
    }
}
