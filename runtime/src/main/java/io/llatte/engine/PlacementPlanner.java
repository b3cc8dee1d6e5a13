package io.llatte.engine;

import io.llatte.BackendUnavailableException;
import io.llatte.InsufficientMemoryException;
import io.llatte.llama.Backend;
import io.llatte.llama.ContextOptions;
import io.llatte.llama.Llama;
import io.llatte.llama.Device;
import io.llatte.llama.DeviceType;
import io.llatte.llama.Gguf;
import io.llatte.llama.Model;
import io.llatte.llama.ModelOptions;
import io.llatte.memory.MemoryBudget;
import io.llatte.memory.MemoryPlan;
import io.llatte.memory.MemoryUsage;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.CancellationException;
import java.util.function.IntFunction;
import java.util.function.IntPredicate;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/// Chooses layers, devices and context length for a model from what is free and from llama.cpp's own plan. The same devices and the same
/// plan give the same placement.
///
/// @param devices the devices with what is free now
/// @param backends the backend modules, for the reasons of those that are absent
/// @param budget an upper bound
/// @param heldBytes what counts against the budget already, by device
record PlacementPlanner(List<Device> devices, List<Backend> backends, MemoryBudget budget, Map<String, Long> heldBytes) {

    private static final int CONTEXT_STEP = 256;

    /// How many of them a search for the longest context goes up first.
    private static final int FIRST_STEPS = 32;

    /// llama.cpp keeps a record for each token of a context, planned or not: a length that a file only claims must not be planned.
    private static final int LONGEST_CONTEXT = 1 << 27;

    /// Left free on a GPU, for what the plan does not cover: a driver's pools and other programs.
    private static final long MAX_RESERVE_BYTES = 512L << 20;
    private static final int RESERVE_DIVISOR = 20;

    /// What the header says of the model.
    private record Shape(int layers, int trainingLength) {

        static Shape of(Path path) {
            Gguf gguf = Gguf.readScalars(path);
            String architecture = gguf.architecture();
            return new Shape(number(gguf, architecture + ".block_count") + 1,
                    Math.min(LONGEST_CONTEXT, number(gguf, architecture + ".context_length")));
        }

        private static int number(Gguf gguf, String key) {
            return gguf.metadata().get(key) instanceof Number number ? Math.clamp(number.longValue(), 0, 1 << 30) : 0;
        }
    }

    /// On GPUs, with as many layers as fit or as were asked for.
    ///
    /// @throws BackendUnavailableException if there is no GPU, with the reason of each backend
    /// @throws InsufficientMemoryException if not one layer fits
    /// @throws CancellationException if the thread is interrupted
    /// @throws io.llatte.ModelLoadException if the file is missing, broken or unsupported
    Placement onGpu(Path path, EngineOptions options) {
        List<String> gpus = gpusFor(options);
        Shape shape = Shape.of(path);
        IntFunction<ModelOptions> withLayers = layers -> ModelOptions.builder().gpuLayers(layers).devices(gpus)
                .tensorSplit(options.tensorSplit()).splitMode(options.splitMode()).mtpLayers(options.mtpLayers()).build();
        if (options.gpuLayers().isPresent()) {
            return sized(PlacementTarget.GPU, path, withLayers.apply(options.gpuLayers().getAsInt()), options, shape);
        }
        ContextOptions least = contextOptions(options, leastLength(options, shape));
        List<MemoryUsage> projector = EngineProjector.plan(path, options, PlacementTarget.GPU, least);
        IntFunction<Shortage> shortageOf = layers -> shortage(plan(path, withLayers.apply(layers), least, projector));
        int fitting = shortageOf.apply(shape.layers) == null ? shape.layers : largest(0, shape.layers - 1, n -> shortageOf.apply(n) == null);
        if (fitting == 0) {
            throw shortageOf.apply(1).exception(path);
        }
        return sized(PlacementTarget.GPU, path, withLayers.apply(fitting), options, shape);
    }

    /// On the CPU alone.
    ///
    /// @throws InsufficientMemoryException if it does not fit
    /// @throws CancellationException if the thread is interrupted
    /// @throws io.llatte.ModelLoadException if the file is missing, broken or unsupported
    Placement onCpu(Path path, EngineOptions options) {
        return sized(PlacementTarget.CPU, path, ModelOptions.builder().gpuLayers(0).devices(List.of("CPU"))
                .mtpLayers(options.mtpLayers()).build(), options, Shape.of(path));
    }

    private Placement sized(PlacementTarget target, Path path, ModelOptions modelOptions, EngineOptions options, Shape shape) {
        int length = leastLength(options, shape);
        List<MemoryUsage> projector = EngineProjector.plan(path, options, target, contextOptions(options, length));
        MemoryPlan plan = plan(path, modelOptions, contextOptions(options, length), projector);
        Shortage shortage = shortage(plan);
        if (shortage != null) {
            throw shortage.exception(path);
        }
        if (options.contextSize() instanceof ContextSize.Fit) {
            int steps = Math.max(0, longest(options, shape) / CONTEXT_STEP);
            int fitting = largestFromBelow(0, steps, step -> step * CONTEXT_STEP <= leastLength(options, shape)
                    || shortage(plan(path, modelOptions, contextOptions(options, step * CONTEXT_STEP), projector)) == null);
            length = Math.max(length, fitting * CONTEXT_STEP);
            plan = plan(path, modelOptions, contextOptions(options, length), projector);
        }
        return new Placement(target, modelOptions, contextOptions(options, length), plan, shape.layers);
    }

    /// A search makes many plans, of a fraction of a second each: whoever stopped waiting does not wait for all of them.
    private static MemoryPlan plan(Path path, ModelOptions modelOptions, ContextOptions contextOptions, List<MemoryUsage> projector) {
        if (Thread.currentThread().isInterrupted()) {
            throw new CancellationException("planning of %s was cancelled".formatted(path.getFileName()));
        }
        List<MemoryUsage> usages = Model.plan(path, modelOptions, contextOptions).usages();
        return new MemoryPlan(Stream.concat(usages.stream(), projector.stream()).toList());
    }

    private static int leastLength(EngineOptions options, Shape shape) {
        int longest = longest(options, shape);
        return switch (options.contextSize()) {
            case ContextSize.AtMost(int tokens) -> longest == 0 ? tokens : Math.min(tokens, longest);
            case ContextSize.Exactly(int tokens) -> tokens;
            case ContextSize.Training() -> longest;
            case ContextSize.Fit() -> longest == 0 ? ContextSize.LEAST : Math.min(ContextSize.LEAST, longest);
        };
    }

    /// What the sequences can use of a context, all together; 0 where that is not known.
    private static int longest(EngineOptions options, Shape shape) {
        return options.unifiedKv() ? shape.trainingLength : (int) Math.min(LONGEST_CONTEXT, (long) options.sequences() * shape.trainingLength);
    }

    private static ContextOptions contextOptions(EngineOptions options, int length) {
        boolean bound = options.threads() == 0 && !options.processors().isEmpty();
        int threads = bound ? Llama.defaultThreads(options.processors()) : options.threads();
        return ContextOptions.builder().contextLength(length).keyType(options.keyType()).valueType(options.valueType())
                .flashAttention(options.flashAttention()).threads(threads)
                .batchThreads(options.batchThreads() == 0 ? threads : options.batchThreads())
                .maxSequences(options.sequences()).unifiedKv(options.unifiedKv()).batchSize(options.microBatchSize())
                .microBatchSize(options.microBatchSize()).build();
    }

    /// The largest number from `low` to `high` that holds, where all below it hold and `low` does.
    private static int largest(int low, int high, IntPredicate holds) {
        int best = low;
        int next = high;
        while (best < next) {
            int middle = best + (next - best + 1) / 2;
            if (holds.test(middle)) {
                best = middle;
            } else {
                next = middle - 1;
            }
        }
        return best;
    }

    /// The same, asked of nothing that is much more than twice the answer.
    private static int largestFromBelow(int low, int high, IntPredicate holds) {
        int best = low;
        for (int steps = FIRST_STEPS; best < high; steps *= 2) {
            int next = best + Math.min(steps, high - best);
            if (!holds.test(next)) {
                return largest(best, next - 1, holds);
            }
            best = next;
        }
        return best;
    }

    private List<String> gpusFor(EngineOptions options) {
        List<String> gpus = namesOf(DeviceType.GPU);
        if (gpus.isEmpty()) {
            gpus = namesOf(DeviceType.INTEGRATED_GPU);
        }
        if (gpus.isEmpty()) {
            throw new BackendUnavailableException("no usable GPU: " + reasons());
        }
        if (options.devices().isEmpty()) {
            return gpus;
        }
        List<String> known = devices.stream().map(Device::name).toList();
        List<String> unknown = options.devices().stream().filter(name -> !known.contains(name)).toList();
        if (!unknown.isEmpty()) {
            throw new BackendUnavailableException("no device " + String.join(", ", unknown) + "; there is: " + String.join(", ", known));
        }
        return options.devices();
    }

    private List<String> namesOf(DeviceType type) {
        return devices.stream().filter(device -> device.type() == type).map(Device::name).toList();
    }

    private String reasons() {
        List<Backend> gpuBackends = backends.stream().filter(backend -> !backend.name().equalsIgnoreCase("CPU")
                && !backend.name().equalsIgnoreCase("RPC")).toList();
        if (gpuBackends.isEmpty()) {
            return "the native library was built without a GPU backend; build it with the preset vulkan, cuda or metal, or set "
                    + "llatte.native.path to a folder that has one";
        }
        return gpuBackends.stream().map(backend -> backend.name() + " " + (backend.loaded() ? "found no device"
                : "is not loaded (" + backend.reason() + ")")).collect(Collectors.joining("; "))
                + "; install the driver, or look at what hides devices (CUDA_VISIBLE_DEVICES, GGML_VK_VISIBLE_DEVICES)";
    }

    /// What is missing on a device.
    private record Shortage(String device, long requestedBytes, long availableBytes, String bound) {

        InsufficientMemoryException exception(Path path) {
            return new InsufficientMemoryException("%s needs %,d bytes on %s, and %,d are %s".formatted(path.getFileName(), requestedBytes, device,
                    availableBytes, bound), device, requestedBytes, availableBytes);
        }
    }

    /// The first device that the plan is too large for, or null if it fits.
    private Shortage shortage(MemoryPlan plan) {
        Map<String, Device> byName = new TreeMap<>();
        devices.forEach(device -> byName.put(device.name(), device));
        for (var entry : plan.bytesByDevice().entrySet()) {
            String name = entry.getKey();
            Long limit = budget.bytesByDevice().get(name);
            long left = limit == null ? Long.MAX_VALUE : Math.max(0, limit - heldBytes.getOrDefault(name, 0L));
            if (entry.getValue() > left) {
                return new Shortage(name, entry.getValue(), left, "left of the budget of %,d".formatted(limit));
            }
            Device device = byName.get(name);
            if (device != null && entry.getValue() > usable(device)) {
                return new Shortage(name, entry.getValue(), usable(device), "usable of %,d".formatted(device.totalBytes()));
            }
        }
        return null;
    }

    private static long usable(Device device) {
        long reserve = device.type() == DeviceType.CPU ? 0 : Math.min(MAX_RESERVE_BYTES, device.totalBytes() / RESERVE_DIVISOR);
        return Math.max(0, device.freeBytes() - reserve);
    }
}
