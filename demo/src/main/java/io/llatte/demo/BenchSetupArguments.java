package io.llatte.demo;

import io.llatte.demo.bench.Setup;
import io.llatte.llama.FlashAttention;
import io.llatte.llama.KvType;
import io.llatte.llama.Llama;
import java.nio.file.Path;
import java.util.List;
import java.util.function.BiFunction;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.Option;
import picocli.CommandLine.TypeConversionException;

/// With what is measured: `llama-bench`'s options of the same names, lists of values each.
final class BenchSetupArguments {

    private static final int MAX_THREADS = 512;

    @Option(names = {"-ngl", "--n-gpu-layers"}, paramLabel = "N", split = ",", defaultValue = "-1", converter = NumberRange.Converter.class,
            description = "Layers on GPUs; -1: all, 0: none. Default: ${DEFAULT-VALUE}")
    private List<NumberRange> gpuLayers;

    @Option(names = {"-t", "--threads"}, paramLabel = "N", split = ",", defaultValue = "0", converter = NumberRange.Converter.class,
            description = "CPU threads; 0: one for each physical core. Default: ${DEFAULT-VALUE}")
    private List<NumberRange> threads;

    @Option(names = {"-b", "--batch-size"}, paramLabel = "N", split = ",", defaultValue = "2048", converter = NumberRange.Converter.class,
            description = "Tokens that one decode may carry, at level low; the engine has its own. Default: ${DEFAULT-VALUE}")
    private List<NumberRange> batchSizes;

    @Option(names = {"-ub", "--ubatch-size"}, paramLabel = "N", split = ",", defaultValue = "512", converter = NumberRange.Converter.class,
            description = "Tokens that are computed at once; what a step of the engine evaluates at most. Default: ${DEFAULT-VALUE}")
    private List<NumberRange> microBatchSizes;

    @Option(names = {"-ctk", "--cache-type-k"}, paramLabel = "TYPE", split = ",", defaultValue = "f16",
            description = "Number format of the cache's keys. Default: ${DEFAULT-VALUE}")
    private List<KvType> keyTypes;

    @Option(names = {"-ctv", "--cache-type-v"}, paramLabel = "TYPE", split = ",", defaultValue = "f16",
            description = "Number format of the cache's values. Default: ${DEFAULT-VALUE}")
    private List<KvType> valueTypes;

    @Option(names = {"-fa", "--flash-attn"}, paramLabel = "on|off|auto", split = ",", defaultValue = "auto",
            converter = FlashAttentionConverter.class, description = "Whether attention is fused. Default: ${DEFAULT-VALUE}")
    private List<FlashAttention> flashAttentions;

    @Option(names = {"-kvu", "--kv-unified"},
            description = "All sequences share one cache, in llama.cpp's programs too; without it each has an equal part, which is their default.")
    private boolean unifiedKv;

    /// Every combination.
    ///
    /// @throws Misuse if a number is out of its range
    List<Setup> setups(List<Path> models, int maxSequences) {
        within("--n-gpu-layers", gpuLayers, -1, Integer.MAX_VALUE);
        within("--threads", threads, 0, MAX_THREADS);
        within("--batch-size", batchSizes, maxSequences, Integer.MAX_VALUE);
        within("--ubatch-size", microBatchSizes, 1, Integer.MAX_VALUE);
        List<Setup> setups = models.stream().map(Setup::of).map(setup -> setup.withUnifiedKv(unifiedKv)).toList();
        setups = each(setups, NumberRange.all(gpuLayers), Setup::withGpuLayers);
        setups = each(setups, NumberRange.all(batchSizes), Setup::withBatchSize);
        setups = each(setups, NumberRange.all(microBatchSizes), Setup::withMicroBatchSize);
        setups = each(setups, keyTypes, Setup::withKeyType);
        setups = each(setups, valueTypes, Setup::withValueType);
        setups = each(setups, flashAttentions, Setup::withFlashAttention);
        return each(setups, NumberRange.all(threads), (setup, count) -> setup.withThreads(count == 0 ? Llama.defaultThreads() : count));
    }

    private static <T> List<Setup> each(List<Setup> setups, List<T> values, BiFunction<Setup, T, Setup> with) {
        return setups.stream().flatMap(setup -> values.stream().map(value -> with.apply(setup, value))).toList();
    }

    private static void within(String option, List<NumberRange> ranges, int least, int most) {
        for (int value : NumberRange.all(ranges)) {
            Misuse.unless(value >= least && value <= most, value < least ? "%s must be at least %d: %d".formatted(option, least, value)
                    : "%s must be at most %d: %d".formatted(option, most, value));
        }
    }

    private static final class FlashAttentionConverter implements ITypeConverter<FlashAttention> {
        @Override
        public FlashAttention convert(String value) {
            return switch (value) {
                case "on", "1" -> FlashAttention.ENABLED;
                case "off", "0" -> FlashAttention.DISABLED;
                case "auto", "-1" -> FlashAttention.AUTO;
                default -> throw new TypeConversionException("'%s' is none of on, off, auto".formatted(value));
            };
        }
    }
}
