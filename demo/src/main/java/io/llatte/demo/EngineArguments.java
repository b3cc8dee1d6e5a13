package io.llatte.demo;

import io.llatte.engine.ContextSize;
import io.llatte.engine.EngineOptions;
import io.llatte.engine.PlacementPolicy;
import io.llatte.llama.KvType;
import java.nio.file.Path;
import java.util.Locale;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.Option;
import picocli.CommandLine.TypeConversionException;

/// How a model is placed and how much it can keep in mind, as the command line says it.
final class EngineArguments {

    private static final String FIT = "fit";

    @Option(names = "--policy", paramLabel = "WHERE", converter = PolicyConverter.class,
            description = "gpu-only, prefer-gpu (as many layers as fit, else the CPU) or cpu-only. Default: prefer-gpu")
    private PlacementPolicy policy;

    @Option(names = "--context", paramLabel = "N", converter = ContextSizeConverter.class,
            description = "Tokens that question, answer and history may have together; 0: the model's maximum; fit: as many as there is memory "
                    + "for. Default: 4096, or the model's maximum where that is less")
    private ContextSize context = ContextSize.standard();

    @Option(names = "--gpu-layers", paramLabel = "N", defaultValue = "-1",
            description = "Layers to put on GPUs; 0: none, -1: as many as fit. Default: ${DEFAULT-VALUE}")
    private int gpuLayers;

    @Option(names = "--kv-type", paramLabel = "TYPE", defaultValue = "F16",
            description = "Number format of the KV cache, one of ${COMPLETION-CANDIDATES}. Default: ${DEFAULT-VALUE}")
    private KvType kvType;

    @Option(names = "--threads", paramLabel = "N", defaultValue = "0",
            description = "CPU threads; 0: one for each physical core. Default: ${DEFAULT-VALUE}")
    private int threads;

    @Option(names = "--projector", paramLabel = "FILE",
            description = "The mmproj file with which the model sees. Default: the one beside the model, if there is one")
    private Path projector;

    /// What was asked for.
    ///
    /// @throws Misuse if a number is out of its range, before a model is loaded for it
    EngineOptions options() {
        return Misuse.ofOption(builder()::build);
    }

    /// The same, to be completed.
    EngineOptions.Builder builder() {
        Misuse.unless(gpuLayers >= -1, "--gpu-layers must be -1 or more: " + gpuLayers);
        Misuse.unless(gpuLayers != 0 || policy != PlacementPolicy.GPU_ONLY, "--policy gpu-only and --gpu-layers 0 exclude each other");
        Misuse.unless(gpuLayers <= 0 || policy != PlacementPolicy.CPU_ONLY, "--policy cpu-only and --gpu-layers exclude each other");
        EngineOptions.Builder options = EngineOptions.builder().contextSize(context).keyType(kvType).valueType(kvType).threads(threads);
        if (projector != null) {
            options.projector(projector);
        }
        if (gpuLayers > 0) {
            options.gpuLayers(gpuLayers);
        }
        if (gpuLayers == 0) {
            options.policy(PlacementPolicy.CPU_ONLY);
        } else if (policy != null) {
            options.policy(policy);
        }
        return options;
    }

    private static final class PolicyConverter implements ITypeConverter<PlacementPolicy> {
        @Override
        public PlacementPolicy convert(String value) {
            try {
                return PlacementPolicy.valueOf(value.toUpperCase(Locale.ROOT).replace('-', '_'));
            } catch (IllegalArgumentException e) {
                throw new TypeConversionException("'%s' is none of gpu-only, prefer-gpu, cpu-only".formatted(value));
            }
        }
    }

    private static final class ContextSizeConverter implements ITypeConverter<ContextSize> {
        @Override
        public ContextSize convert(String value) {
            if (value.equalsIgnoreCase(FIT)) {
                return ContextSize.fit();
            }
            try {
                int tokens = Integer.parseInt(value);
                return tokens == 0 ? ContextSize.training() : ContextSize.of(tokens);
            } catch (IllegalArgumentException e) {
                throw new TypeConversionException("'%s' is neither a number of tokens nor %s".formatted(value, FIT));
            }
        }
    }
}
