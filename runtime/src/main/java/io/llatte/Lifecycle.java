package io.llatte;

import io.llatte.engine.AnswerStream;
import io.llatte.engine.Engine;
import io.llatte.engine.GenerationRequest;
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
import java.util.function.BiFunction;
import java.util.function.BooleanSupplier;
import java.util.function.Supplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// What is under way. One thread carries out loads, switches and unloads, one after the other; requests wait for it where they must.
final class Lifecycle implements AutoCloseable {

    private static final Logger LOG = LoggerFactory.getLogger(Lifecycle.class);

    private final SwitchPolicy policy;
    private final ModelResolver resolver;
    private final ModelSlot slot;
    private final ModelExchange exchange;
    private final EventBus events;
    private final StatusBoard status;
    private final ReentrantLock lock;
    private final ExecutorService worker = Executors.newSingleThreadExecutor(
            Thread.ofPlatform().daemon().name("llatte-lifecycle").factory());

    // Guarded by the slot's lock.
    private final List<Transition> transitions = new ArrayList<>();
    private String lastModelId;
    private boolean closed;

    Lifecycle(SwitchPolicy policy, ModelResolver resolver, ModelSlot slot, ModelExchange exchange, EventBus events, StatusBoard status) {
        this.policy = policy;
        this.resolver = resolver;
        this.slot = slot;
        this.exchange = exchange;
        this.events = events;
        this.status = status;
        this.lock = slot.lock();
    }

    /// Makes a model the one that answers. Callers that ask for the same one share its load.
    CompletableFuture<Void> require(String reference) {
        String id = resolver.idOf(reference);
        return locked(() -> {
            checkOpen();
            if (transitions.isEmpty() && slot.current() != null && slot.current().id().equals(id)) {
                return CompletableFuture.completedFuture(null);
            }
            boolean shared = !transitions.isEmpty() && transitions.getLast().target().equals(Optional.of(id));
            return shared ? joinLast(id) : begin(Transition.to(id));
        });
    }

    /// Frees the model that is loaded, if any.
    CompletableFuture<Void> unload(String reason) {
        return locked(() -> {
            checkOpen();
            return begin(Transition.toNothing(reason));
        });
    }

    /// Frees the model if nothing has happened for so long.
    void unloadIfIdleFor(Duration idle) {
        locked(() -> {
            if (!closed && transitions.isEmpty() && slot.isIdle() && status.idleFor().compareTo(idle) >= 0) {
                begin(Transition.toNothing("idle for " + idle.toSeconds() + " s"));
            }
            return null;
        });
    }

    private void checkOpen() {
        if (closed) {
            throw new EngineClosedException("this LocalLlm is closed");
        }
    }

    private CompletableFuture<Void> begin(Transition transition) {
        transitions.add(transition);
        CompletableFuture<Void> waiter = transition.join().orElseThrow();
        worker.execute(() -> run(transition));
        return waiter;
    }

    /// What is under way, or, where all who wanted it have given up, a transition to a model.
    private CompletableFuture<Void> joinLast(String id) {
        return transitions.getLast().join().orElseGet(() -> begin(Transition.to(id)));
    }

    private void run(Transition transition) {
        Throwable failure = null;
        try {
            transition.runInterruptibly(() -> {
                if (Thread.currentThread().isInterrupted()) {
                    throw new CancellationException("cancelled before it began");
                }
                transition.target().ifPresentOrElse(exchange::become, () -> exchange.release(transition.reason()));
            });
        } catch (RuntimeException | Error e) {
            failure = e;
        }
        settle(transition, failure);
    }

    /// The state after a transition, seen by all at once, before its callers go on.
    private void settle(Transition transition, Throwable outcome) {
        Throwable failure = locked(() -> {
            transitions.remove(transition);
            Throwable seen = outcome instanceof CancellationException && closed
                    ? new EngineClosedException("this LocalLlm was closed meanwhile", outcome) : outcome;
            slot.openGate(seen == null ? "" : describe(transition, seen));
            if (slot.current() != null) {
                lastModelId = slot.current().id();
            }
            if (seen != null) {
                showFailure(transition, seen);
            }
            return seen;
        });
        if (failure == null) {
            transition.complete();
        } else {
            LOG.info("{}", describe(transition, failure));
            transition.fail(failure);
        }
    }

    private void showFailure(Transition transition, Throwable failure) {
        if (slot.current() == null) {
            LlmState state = failure instanceof CancellationException ? LlmState.DISABLED : LlmState.ERROR;
            status.state(state, describe(transition, failure), Optional.empty());
        }
        events.publish(new LlmEvent.Failed(transition.target().orElse(""), failure));
    }

    private static String describe(Transition transition, Throwable failure) {
        return transition.target().map(id -> "loading " + id).orElse("unloading") + " failed: " + failure.getMessage();
    }

    /// Starts a request on the model that is loaded, loading the last one or the preferred one where there is none.
    ///
    /// @throws CancellationException if the thread is interrupted while it waits
    AnswerStream generate(GenerationRequest request) {
        return onceReady(() -> slot.admit(request)).get();
    }

    /// The engine that answers, once one does; as a request would have it.
    Engine engineOnceReady() {
        return onceReady(() -> {
            status.activity();
            return slot.current().engine();
        });
    }

    /// Calls the engine, once one answers, which counts as a request; the call is told when it is to end.
    <T> T call(BiFunction<Engine, BooleanSupplier, T> call) {
        try (ModelSlot.Visit visit = onceReady(slot::visit)) {
            return call.apply(visit.engine(), visit::isCancelled);
        }
    }

    private <T> T onceReady(Supplier<T> call) {
        while (true) {
            CompletableFuture<Void> waiter;
            lock.lock();
            try {
                checkOpen();
                if (slot.isReady()) {
                    return call.get();
                }
                if (slot.isGateClosed() && policy.arriving() == SwitchPolicy.Arriving.FAIL) {
                    throw new EngineClosedException("the model is being exchanged; ask again when the status says idle");
                }
                waiter = transitions.isEmpty() ? begin(Transition.to(wantedId())) : joinLast(wantedId());
            } finally {
                lock.unlock();
            }
            try {
                await(waiter);
            } catch (RuntimeException e) {
                if (slot.current() == null || Thread.currentThread().isInterrupted()) {
                    throw e;
                }
                // The switch failed, and the model before it is back.
            }
        }
    }

    private String wantedId() {
        return lastModelId != null ? lastModelId : resolver.preferredId();
    }

    /// The model that [#generate] would load.
    String wanted() {
        return locked(this::wantedId);
    }

    /// The engine that answers now, if any.
    Optional<Engine> engine() {
        return Optional.ofNullable(slot.current()).map(ModelSlot.Loaded::engine);
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
        List<Transition> pending = locked(() -> {
            closed = true;
            return List.copyOf(transitions);
        });
        pending.forEach(Transition::cancel);
        worker.close();
        Runnable show = () -> status.state(LlmState.DISABLED, "closed", Optional.empty());
        slot.emptyNow("closed", show);
        locked(() -> {
            show.run();
            return null;
        });
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
