package io.llatte;

import io.llatte.ModelSlot.Loaded;
import io.llatte.engine.Engine;
import io.llatte.engine.EngineLoader;
import io.llatte.engine.EngineOptions;
import io.llatte.engine.ModelFile;
import io.llatte.engine.PlacementTarget;
import io.llatte.llama.Gguf;
import java.time.Duration;
import java.util.Optional;
import java.util.function.Supplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// Loads a model into the slot, or exchanges the one that is in it, on the thread that calls; one thread at a time.
final class ModelExchange {

    private static final Logger LOG = LoggerFactory.getLogger(ModelExchange.class);

    private final ModelSlot slot;
    private final ModelResolver resolver;
    private final EngineLoader loader;
    private final EngineOptions options;
    private final EventBus events;
    private final StatusBoard status;

    ModelExchange(ModelSlot slot, ModelResolver resolver, EngineLoader loader, EngineOptions options, EventBus events, StatusBoard status) {
        this.slot = slot;
        this.resolver = resolver;
        this.loader = loader;
        this.options = options;
        this.events = events;
        this.status = status;
    }

    /// The model of that id answers when this returns. When it throws, what answered before does.
    void become(String id) {
        Loaded old = slot.current();
        if (old != null && old.id().equals(id)) {
            return;
        }
        long start = System.nanoTime();
        if (old == null) {
            show(LlmState.LOADING, "loading " + id, id);
        }
        probe();
        LoadProgress progress = progressOf(id);
        Supplier<Loaded> birth = birthOf(id, progress);
        if (old != null) {
            events.publish(new LlmEvent.Switching(old.id(), id));
            slot.empty("switching to " + id, () -> status.state(LlmState.LOADING, "loading " + id, Optional.of(id)));
        }
        try {
            fill(birth.get(), progress, start);
        } catch (RuntimeException | Error e) {
            if (old != null) {
                restore(old, e);
            }
            throw e;
        }
    }

    /// What must not cost the model that answers comes first: the download, and a look whether the file is a model at all.
    private Supplier<Loaded> birthOf(String id, LoadProgress progress) {
        try {
            ModelFile file = resolver.resolve(id, progress);
            Gguf.readScalars(file.path());
            return () -> load(file, progress);
        } catch (LlatteException e) {
            Engine remote = loader.fallBackToRemote(id, options, e, progress);
            return () -> new Loaded(remote, Optional.empty());
        }
    }

    private Loaded load(ModelFile file, LoadProgress progress) {
        Engine engine = loader.load(file, options, progress);
        boolean remote = engine.placement().target() == PlacementTarget.REMOTE;
        return new Loaded(engine, remote ? Optional.empty() : Optional.of(file));
    }

    /// The model that gave way comes back. The interrupt that may have brought us here must not stop it.
    private void restore(Loaded old, Throwable failure) {
        boolean interrupted = Thread.interrupted();
        LOG.info("{} comes back: {}", old.id(), failure.getMessage());
        show(LlmState.LOADING, "loading " + old.id() + " again", old.id());
        try {
            long start = System.nanoTime();
            LoadProgress progress = progressOf(old.id());
            Loaded again = old.file().map(file -> load(file, progress)).orElseGet(() -> new Loaded(loader.fallBackToRemote(old.id(), options,
                    new BackendUnavailableException("it was on a server before"), progress), Optional.empty()));
            fill(again, progress, start);
        } catch (RuntimeException e) {
            LOG.error("{} could not be loaded again", old.id(), e);
            failure.addSuppressed(e);
        } finally {
            if (interrupted) {
                Thread.currentThread().interrupt();
            }
        }
    }

    private void fill(Loaded loaded, LoadProgress progress, long start) {
        progress.done();
        slot.fill(loaded, Duration.ofNanos(System.nanoTime() - start));
    }

    /// Frees what is loaded, if anything is.
    void release(String reason) {
        if (slot.current() == null) {
            locked(() -> status.state(LlmState.DISABLED, reason, Optional.empty()));
        } else {
            slot.empty(reason, () -> status.state(LlmState.DISABLED, reason, Optional.empty()));
        }
    }

    /// Only remembered: a load says itself what does not work.
    private void probe() {
        if (Probe.isDue()) {
            events.publish(new LlmEvent.Probing());
        }
        Probe.failure();
    }

    private LoadProgress progressOf(String id) {
        return new LoadProgress(id, events, (message, fraction) -> locked(() -> status.progress(fraction, message)));
    }

    private void show(LlmState state, String reason, String id) {
        locked(() -> status.state(state, reason, Optional.of(id)));
    }

    private void locked(Runnable part) {
        slot.lock().lock();
        try {
            part.run();
        } finally {
            slot.lock().unlock();
        }
    }
}
