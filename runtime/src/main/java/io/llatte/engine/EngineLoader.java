package io.llatte.engine;

import io.llatte.LlatteException;
import io.llatte.llama.Context;
import io.llatte.llama.Device;
import io.llatte.llama.Llama;
import io.llatte.llama.Model;
import io.llatte.llama.Projector;
import io.llatte.memory.DeviceArena;
import io.llatte.memory.MemoryPlan;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.CancellationException;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Consumer;
import java.util.function.Supplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// Loads a model where its policy allows, in a fixed order: GPUs, the CPU, a server. Nothing falls back silently.
public final class EngineLoader {

    private static final Logger LOG = LoggerFactory.getLogger(EngineLoader.class);

    private final DeviceArena arena;
    private final Optional<RemoteEndpoint> remote;
    private final Consumer<Context> firstDecode;

    /// @param arena what models are loaded into and charged to
    /// @param remote the last step of every policy
    public EngineLoader(DeviceArena arena, Optional<RemoteEndpoint> remote) {
        this(arena, remote, EngineLoader::decodeOnce);
    }

    EngineLoader(DeviceArena arena, Optional<RemoteEndpoint> remote, Consumer<Context> firstDecode) {
        this.arena = Objects.requireNonNull(arena);
        this.remote = Objects.requireNonNull(remote);
        this.firstDecode = Objects.requireNonNull(firstDecode);
    }

    /// The bytes that [#load] would take on this machine, by device; nothing is allocated.
    ///
    /// @throws LlatteException as [#load], where the policy leaves no place on this machine
    public MemoryPlan plan(ModelFile file, EngineOptions options) {
        return plan(planner(), file, options);
    }

    /// The same once all is given back that the arena holds now, as it is when one model is exchanged for another.
    ///
    /// @throws LlatteException as [#load], where the policy then leaves no place on this machine
    public MemoryPlan planInstead(ModelFile file, EngineOptions options) {
        Map<String, Long> held = arena.ledger().bytesByDevice();
        List<Device> emptied = Llama.devices().stream().map(device -> device.withFreeBytes(
                Math.min(device.totalBytes(), device.freeBytes() + held.getOrDefault(device.name(), 0L)))).toList();
        return plan(new PlacementPlanner(emptied, Llama.backends(), arena.budget(), Map.of()), file, options);
    }

    private static MemoryPlan plan(PlacementPlanner planner, ModelFile file, EngineOptions options) {
        return switch (options.policy()) {
            case GPU_ONLY -> planner.onGpu(file.path(), options).plan();
            case CPU_ONLY -> planner.onCpu(file.path(), options).plan();
            case PREFER_GPU -> {
                try {
                    yield planner.onGpu(file.path(), options).plan();
                } catch (LlatteException e) {
                    LOG.debug("not on a GPU: {}", e.getMessage());
                    yield planner.onCpu(file.path(), options).plan();
                }
            }
        };
    }

    /// Loads a model, and evaluates a token where it is on a GPU: a place that cannot do that is not the model's place.
    ///
    /// @throws IllegalArgumentException if the process may not use one of the processors that the options name; nothing was loaded
    /// @throws LlatteException the last place's, with those of the places before it as suppressed; nothing stays loaded
    /// @throws java.util.concurrent.CancellationException if the observer or an interrupt stopped it; nothing stays loaded
    public Engine load(ModelFile file, EngineOptions options, LoadObserver observer) {
        checkProcessors(options.processors());
        var steps = new Steps(file, options, observer);
        List<Attempt> attempts = new ArrayList<>();
        if (options.policy() != PlacementPolicy.CPU_ONLY) {
            attempts.add(new Attempt(PlacementTarget.GPU, () -> steps.loadPlaced(planner().onGpu(file.path(), options))));
        }
        if (options.policy() != PlacementPolicy.GPU_ONLY) {
            attempts.add(new Attempt(PlacementTarget.CPU, () -> steps.loadPlaced(planner().onCpu(file.path(), options))));
        }
        return steps.firstOf(attempts);
    }

    /// Tries them on a thread that is made for it: the one that decodes is made when the model is loaded.
    private static void checkProcessors(List<Integer> processors) {
        if (!processors.isEmpty()) {
            var failure = new AtomicReference<RuntimeException>();
            Thread trial = Thread.ofPlatform().unstarted(() -> Llama.bindThread(processors));
            trial.setUncaughtExceptionHandler((_, e) -> failure.set(e instanceof RuntimeException known ? known : new IllegalStateException(e)));
            trial.start();
            joinUninterruptibly(trial);
            if (failure.get() != null) {
                throw failure.get();
            }
        }
    }

    private static void joinUninterruptibly(Thread thread) {
        boolean interrupted = false;
        while (thread.isAlive()) {
            try {
                thread.join();
            } catch (InterruptedException e) {
                interrupted = true;
            }
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }

    /// The server, after nothing could be loaded for a reason that lies before loading, such as a download.
    ///
    /// @throws LlatteException `failure`, if there is no server
    public Engine fallBackToRemote(String modelId, EngineOptions options, LlatteException failure, LoadObserver observer) {
        PlacementTarget from = options.policy() == PlacementPolicy.CPU_ONLY ? PlacementTarget.CPU : PlacementTarget.GPU;
        return remoteOr(modelId, options, from, List.of(), failure, observer);
    }

    private Engine remoteOr(String modelId, EngineOptions options, PlacementTarget from, List<Fallback> before, LlatteException failure,
                            LoadObserver observer) {
        if (remote.isEmpty()) {
            throw failure;
        }
        List<Fallback> fallbacks = new ArrayList<>(before);
        fallbacks.add(stepDown(modelId, from, PlacementTarget.REMOTE, failure, observer));
        return new RemoteEngine(modelId, remote.get(),
                new PlacementReport(options.policy(), PlacementTarget.REMOTE, List.of(), 0, 0, 0, fallbacks));
    }

    private static Fallback stepDown(String modelId, PlacementTarget from, PlacementTarget to, LlatteException failure, LoadObserver observer) {
        var step = new Fallback(from, to, failure.getMessage());
        LOG.info("{}: from {} to {}: {}", modelId, from, to, step.reason());
        observer.fallback(step);
        return step;
    }

    private PlacementPlanner planner() {
        return new PlacementPlanner(Llama.devices(), Llama.backends(), arena.budget(), arena.ledger().bytesByDevice());
    }

    private record Attempt(PlacementTarget target, Supplier<Engine> load) {
    }

    /// One load and the steps down that it takes.
    private final class Steps {

        private final ModelFile file;
        private final EngineOptions options;
        private final LoadObserver observer;
        private final List<Fallback> fallbacks = new ArrayList<>();

        private Steps(ModelFile file, EngineOptions options, LoadObserver observer) {
            this.file = file;
            this.options = options;
            this.observer = observer;
        }

        private Engine firstOf(List<Attempt> attempts) {
            LlatteException failure = null;
            PlacementTarget failed = null;
            for (Attempt attempt : attempts) {
                if (failure != null) {
                    fallbacks.add(stepDown(file.id(), failed, attempt.target, failure, observer));
                }
                try {
                    return attempt.load.get();
                } catch (LlatteException e) {
                    if (failure != null) {
                        e.addSuppressed(failure);
                    }
                    failure = e;
                    failed = attempt.target;
                }
            }
            return remoteOr(file.id(), options, failed, fallbacks, failure, observer);
        }

        private Engine loadPlaced(Placement placement) {
            stopIfInterrupted();
            Model model = Model.load(file.path(), placement.modelOptions(), observer::progress, arena);
            try {
                stopIfInterrupted();
                Context context = model.newContext(placement.contextOptions());
                if (placement.target() == PlacementTarget.GPU) {
                    firstDecode.accept(context);
                }
                Optional<Projector> projector = EngineProjector.load(model, options, placement.target(), placement.contextOptions());
                return new InProcessEngine(file, model, context, placement.contextOptions(), projector, options, report(placement, context));
            } catch (RuntimeException | Error e) {
                model.close();
                throw e;
            }
        }

        /// A cancel between two steps must not wait for the next one.
        private void stopIfInterrupted() {
            if (Thread.currentThread().isInterrupted()) {
                throw new CancellationException("the load of " + file.id() + " was cancelled");
            }
        }

        private PlacementReport report(Placement placement, Context context) {
            int gpuLayers = placement.target() == PlacementTarget.CPU ? 0 : Math.min(placement.layers(), placement.modelOptions().gpuLayers());
            List<String> devices = placement.plan().bytesByDevice().keySet().stream().toList();
            return new PlacementReport(options.policy(), placement.target(), devices, gpuLayers, placement.layers(), context.contextLength(),
                    fallbacks);
        }
    }

    /// A driver may load a model and then fail to run it.
    private static void decodeOnce(Context context) {
        if (context.model().info().decoder() && !context.model().info().encoder()) {
            context.decode(context.newBatch().add(0, 0, 0, true));
            if (context.model().embeddingInfo().generates()) {
                context.clear();
            }
        }
    }
}
