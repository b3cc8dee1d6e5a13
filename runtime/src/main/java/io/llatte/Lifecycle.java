package io.llatte;

import io.llatte.engine.Engine;
import io.llatte.engine.EngineLoader;
import io.llatte.engine.EngineOptions;
import io.llatte.engine.GenerationEnd;
import io.llatte.engine.GenerationRequest;
import io.llatte.engine.ModelFile;
import io.llatte.engine.PlacementTarget;
import io.llatte.llama.Gguf;
import io.llatte.llama.TokenStream;
import io.llatte.memory.DeviceArena;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Supplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// Which model is loaded, and what is under way. One thread carries out loads, switches and unloads, one after the other; requests pass a
/// gate that is closed while the model that they would run on goes.
final class Lifecycle implements AutoCloseable {

    private static final Logger LOG = LoggerFactory.getLogger(Lifecycle.class);

    private final EngineOptions options;
    private final SwitchPolicy policy;
    private final ModelResolver resolver;
    private final DeviceArena arena;
    private final EngineLoader loader;
    private final EventBus events;
    private final StatusBoard status;
    private final Runnable whenIdle;
    private final ExecutorService worker = Executors.newSingleThreadExecutor(
            Thread.ofPlatform().daemon().name("llatte-lifecycle").factory());
    private final ReentrantLock lock = new ReentrantLock();
    private final Requests requests = new Requests(lock);
    private final List<Transition> transitions = new ArrayList<>();

    // All below: guarded by the lock.
    private Loaded current;
    private boolean gateClosed;
    private boolean closed;
    private String lastModelId;

    /// An engine and what it was loaded from, where that was a file.
    private record Loaded(Engine engine, Optional<ModelFile> file) {
        String id() {
            return engine.modelId();
        }
    }

    /// @param whenIdle called, and not waited for, when a model was loaded or a request ended
    Lifecycle(EngineOptions options, SwitchPolicy policy, ModelResolver resolver, DeviceArena arena, EngineLoader loader, EventBus events,
              StatusBoard status, Runnable whenIdle) {
        this.options = options;
        this.policy = policy;
        this.resolver = resolver;
        this.arena = arena;
        this.loader = loader;
        this.events = events;
        this.status = status;
        this.whenIdle = whenIdle;
    }

    /// Makes a model the one that answers. Callers that ask for the same one share its load.
    CompletableFuture<Void> require(String reference) {
        String id = resolver.idOf(reference);
        lock.lock();
        try {
            return requireLocked(id).map(Transition::newWaiter).orElseGet(() -> CompletableFuture.completedFuture(null));
        } finally {
            lock.unlock();
        }
    }

    /// The transition that ends with this model, or nothing where it answers already. The lock is held.
    private Optional<Transition> requireLocked(String id) {
        checkOpen();
        if (transitions.isEmpty()) {
            return current != null && current.id().equals(id) ? Optional.empty() : Optional.of(start(Transition.to(id)));
        }
        Transition last = transitions.getLast();
        return Optional.of(last.target().equals(Optional.of(id)) ? last : start(Transition.to(id)));
    }

    /// Frees the model that is loaded, if any.
    CompletableFuture<Void> unload(String reason) {
        lock.lock();
        try {
            checkOpen();
            return start(Transition.toNothing(reason)).newWaiter();
        } finally {
            lock.unlock();
        }
    }

    /// Frees the model if nothing has happened for so long.
    void unloadIfIdleFor(Duration idle) {
        lock.lock();
        try {
            boolean busy = closed || current == null || !transitions.isEmpty() || !requests.isEmpty();
            if (!busy && status.idleFor().compareTo(idle) >= 0) {
                start(Transition.toNothing("idle for " + idle.toSeconds() + " s"));
            }
        } finally {
            lock.unlock();
        }
    }

    private void checkOpen() {
        if (closed) {
            throw new EngineClosedException("this LocalLlm is closed");
        }
    }

    private Transition start(Transition transition) {
        transitions.add(transition);
        worker.execute(() -> run(transition));
        return transition;
    }

    private void run(Transition transition) {
        Throwable failure = null;
        try {
            transition.runInterruptibly(() -> {
                if (Thread.currentThread().isInterrupted()) {
                    throw new CancellationException("cancelled before it began");
                }
                transition.target().ifPresentOrElse(this::become, () -> release(transition.reason()));
            });
        } catch (RuntimeException | Error e) {
            failure = e;
        }
        settle(transition, failure);
    }

    /// The state after a transition, seen by all at once, before its callers go on.
    private void settle(Transition transition, Throwable outcome) {
        Throwable failure = outcome;
        lock.lock();
        try {
            transitions.remove(transition);
            gateClosed = false;
            if (failure instanceof CancellationException && closed) {
                failure = new EngineClosedException("this LocalLlm was closed meanwhile", failure);
            }
            if (failure != null) {
                String id = transition.target().orElse("");
                if (current == null) {
                    status.state(failure instanceof CancellationException ? LlmState.DISABLED : LlmState.ERROR,
                            id + ": " + failure.getMessage(), Optional.empty());
                } else {
                    showCurrent(id + ": " + failure.getMessage());
                }
                events.publish(new LlmEvent.Failed(id, failure));
            }
        } finally {
            lock.unlock();
        }
        if (failure == null) {
            transition.complete();
        } else {
            LOG.info("{} failed: {}", transition.target().map(id -> "loading " + id).orElse("unloading"), failure.toString());
            transition.fail(failure);
        }
        whenIdle.run();
    }

    /// The worker's: the model of that id answers when this returns, or what answered before does.
    private void become(String id) {
        Loaded old = locked(() -> current);
        if (old != null && old.id().equals(id)) {
            return;
        }
        long start = System.nanoTime();
        if (old == null) {
            locked(() -> status.state(LlmState.LOADING, "loading " + id, Optional.of(id)));
        }
        var progress = new LoadProgress(id, events, (message, fraction) -> locked(() -> status.progress(fraction, message)));
        probe();
        ModelFile file;
        try {
            file = resolver.resolve(id, progress);
            // What is no model at all must not cost the one that answers.
            Gguf.readScalars(file.path());
        } catch (LlatteException e) {
            Engine remote = loader.fallBackToRemote(id, options, e, progress);
            replace(old, id, () -> new Loaded(remote, Optional.empty()), progress, start);
            return;
        }
        replace(old, id, () -> load(file, progress), progress, start);
    }

    private void probe() {
        if (Probe.isDue()) {
            events.publish(new LlmEvent.Probing());
        }
        // Only remembered: a load says itself what does not work.
        Probe.failure();
    }

    private Loaded load(ModelFile file, LoadProgress progress) {
        Engine engine = loader.load(file, options, progress);
        return new Loaded(engine, Optional.of(file).filter(_ -> engine.placement().target() != PlacementTarget.REMOTE));
    }

    private void replace(Loaded old, String id, Supplier<Loaded> birth, LoadProgress progress, long start) {
        if (old == null) {
            install(birth.get(), progress, start, true);
            return;
        }
        events.publish(new LlmEvent.Switching(old.id(), id));
        empty("switching to " + id, () -> status.state(LlmState.LOADING, "loading " + id, Optional.of(id)));
        try {
            install(birth.get(), progress, start, true);
        } catch (RuntimeException | Error e) {
            restore(old, e);
            throw e;
        }
    }

    /// The model that gave way comes back. The interrupt that may have brought us here must not stop it.
    private void restore(Loaded old, Throwable failure) {
        boolean interrupted = Thread.interrupted();
        try {
            LOG.info("{} comes back: {}", old.id(), failure.getMessage());
            var progress = new LoadProgress(old.id(), events, (message, fraction) -> locked(() -> status.progress(fraction, message)));
            locked(() -> status.state(LlmState.LOADING, "loading " + old.id() + " again", Optional.of(old.id())));
            long start = System.nanoTime();
            if (old.file().isPresent()) {
                install(load(old.file().get(), progress), progress, start, false);
            } else {
                install(new Loaded(loader.fallBackToRemote(old.id(), options, new BackendUnavailableException("it was remote before"), progress),
                        Optional.empty()), progress, start, false);
            }
        } catch (RuntimeException e) {
            LOG.error("{} could not be loaded again", old.id(), e);
            failure.addSuppressed(e);
        } finally {
            if (interrupted) {
                Thread.currentThread().interrupt();
            }
        }
    }

    private void install(Loaded loaded, LoadProgress progress, long start, boolean chosen) {
        progress.done();
        locked(() -> {
            current = loaded;
            gateClosed = false;
            lastModelId = loaded.id();
            status.activity();
            showCurrent("");
            events.publish(new LlmEvent.Ready(loaded.id(), loaded.engine().placement(), Duration.ofNanos(System.nanoTime() - start)));
        });
        if (chosen) {
            resolver.remember(loaded.id());
        }
    }

    /// Frees what is loaded, for good.
    private void release(String reason) {
        Runnable show = () -> status.state(LlmState.DISABLED, reason, Optional.empty());
        if (locked(() -> current) == null) {
            locked(show);
        } else {
            empty(reason, show);
        }
    }

    /// Closes the gate, lets requests end as the policy says, and closes the engine. When this returns its bytes are free.
    ///
    /// @param show sets the status that comes next
    /// @throws CancellationException if that was cancelled while requests were waited for; the model then still answers
    private void empty(String reason, Runnable show) {
        Loaded old = locked(() -> {
            gateClosed = true;
            return current;
        });
        if (policy.running() == SwitchPolicy.Running.CANCEL) {
            requests.cancelAll();
        }
        requests.awaitNone();
        long before = arena.ledger().totalBytes();
        old.engine().close();
        long freed = before - arena.ledger().totalBytes();
        locked(() -> {
            current = null;
            show.run();
            events.publish(new LlmEvent.Unloaded(old.id(), freed, reason));
        });
    }

    /// Starts a request on the model that is loaded, loading the last one or the default where there is none.
    ///
    /// @throws CancellationException if the thread is interrupted while it waits
    TokenStream generate(GenerationRequest request) {
        while (true) {
            CompletableFuture<Void> waiter;
            lock.lock();
            try {
                checkOpen();
                if (current != null && !gateClosed) {
                    return admit(current.engine(), request);
                }
                if (gateClosed && policy.arriving() == SwitchPolicy.Arriving.FAIL) {
                    throw new EngineClosedException("the model is being exchanged; try again when the status says ready");
                }
                waiter = transitions.isEmpty() ? start(Transition.to(wantedId())).newWaiter() : transitions.getLast().newWaiter();
            } finally {
                lock.unlock();
            }
            try {
                await(waiter);
            } catch (RuntimeException e) {
                if (locked(() -> current) == null || Thread.currentThread().isInterrupted()) {
                    throw e;
                }
                // The switch failed, and the model before it is back.
            }
        }
    }

    private String wantedId() {
        return lastModelId != null ? lastModelId : resolver.preferredId();
    }

    /// The lock is held: nothing can close the engine before the request is counted.
    private TokenStream admit(Engine engine, GenerationRequest request) {
        Requests.Ticket ticket = requests.add(engine.modelId());
        status.activity();
        showCurrent("");
        events.publish(new LlmEvent.Generating(ticket.modelId(), ticket.id()));
        try {
            TokenStream stream = engine.generate(request, ended -> ended(ticket, ended));
            ticket.started(stream);
            return stream;
        } catch (RuntimeException e) {
            requests.remove(ticket);
            showCurrent("");
            throw e;
        }
    }

    private void ended(Requests.Ticket ticket, GenerationEnd end) {
        locked(() -> {
            requests.remove(ticket);
            status.activity();
            if (end.failure().isPresent()) {
                events.publish(new LlmEvent.Failed(ticket.modelId(), end.failure().get()));
            } else {
                status.statistics(status.read().statistics().plus(end.usage(), end.timings()));
                events.publish(new LlmEvent.Generated(ticket.modelId(), ticket.id(), end.finishReason(), end.usage(), end.timings()));
            }
            if (current != null) {
                showCurrent("");
            }
        });
        whenIdle.run();
    }

    /// The lock is held, and a model is loaded.
    private void showCurrent(String trouble) {
        String reason = trouble.isEmpty() ? current.id() + " is loaded" : trouble;
        LlmState state = !requests.isEmpty() ? LlmState.ACTIVE : gateClosed ? LlmState.LOADING : LlmState.IDLE;
        status.state(state, reason, Optional.of(current.id()));
    }

    /// The engine that answers now, if any.
    Optional<Engine> engine() {
        return Optional.ofNullable(locked(() -> current)).map(Loaded::engine);
    }

    /// The model that [#generate] would load.
    String wanted() {
        return locked(this::wantedId);
    }

    /// Waits for a caller's future. An interrupt gives it up, and stays set.
    static void await(CompletableFuture<Void> waiter) {
        try {
            waiter.get();
        } catch (InterruptedException e) {
            waiter.cancel(true);
            Thread.currentThread().interrupt();
            throw (CancellationException) new CancellationException("interrupted while a model was waited for").initCause(e);
        } catch (ExecutionException e) {
            throw unwrapped(e.getCause());
        }
    }

    private static RuntimeException unwrapped(Throwable failure) {
        return switch (failure) {
            case CompletionException wrapped when wrapped.getCause() != null -> unwrapped(wrapped.getCause());
            case RuntimeException e -> e;
            case Error e -> throw e;
            default -> new IllegalStateException(failure);
        };
    }

    /// Cancels all that is under way, and frees the model. Idempotent.
    @Override
    public void close() {
        List<Transition> pending;
        lock.lock();
        try {
            closed = true;
            pending = List.copyOf(transitions);
        } finally {
            lock.unlock();
        }
        pending.forEach(Transition::cancel);
        worker.close();
        Loaded last = locked(() -> current);
        if (last != null) {
            long before = arena.ledger().totalBytes();
            last.engine().close();
            locked(() -> {
                current = null;
                events.publish(new LlmEvent.Unloaded(last.id(), before - arena.ledger().totalBytes(), "closed"));
            });
        }
        locked(() -> status.state(LlmState.DISABLED, "closed", Optional.empty()));
    }

    private void locked(Runnable part) {
        lock.lock();
        try {
            part.run();
        } finally {
            lock.unlock();
        }
    }

    private <T> T locked(Supplier<T> part) {
        lock.lock();
        try {
            return part.get();
        } finally {
            lock.unlock();
        }
    }
}
