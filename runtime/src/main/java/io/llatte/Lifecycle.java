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
    private final List<Arrival> arrivals = new ArrayList<>();
    private String lastModelId;
    private String chosenId;
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

    /// Makes a model the one that answers, by the application's choice. Callers that ask for the same one share its load.
    CompletableFuture<Void> require(String reference) {
        String id = resolver.idOf(reference);
        return locked(() -> {
            checkOpen();
            // One that a request brought is loaded, and not chosen yet.
            if (transitions.isEmpty() && slot.isReadyFor(Optional.of(id)) && id.equals(chosenId)) {
                return CompletableFuture.completedFuture(null);
            }
            boolean shared = !transitions.isEmpty() && transitions.getLast().target().equals(Optional.of(id));
            Optional<CompletableFuture<Void>> waiter = shared ? transitions.getLast().join() : Optional.empty();
            CompletableFuture<Void> result = waiter.orElseGet(() -> joinNew(Transition.to(id)));
            transitions.getLast().choose();
            return result;
        });
    }

    /// The same for the model that was chosen last, or the default one.
    CompletableFuture<Void> requireChosen() {
        return require(locked(() -> chosenId != null ? chosenId : resolver.preferredId()));
    }

    /// Frees the model that is loaded, if any.
    CompletableFuture<Void> unload(String reason) {
        return locked(() -> {
            checkOpen();
            return joinNew(Transition.toNothing(reason));
        });
    }

    /// Frees the model if nothing has happened for so long.
    void unloadIfIdleFor(Duration idle) {
        locked(() -> {
            if (!closed && transitions.isEmpty() && slot.isIdle() && status.idleFor().compareTo(idle) >= 0) {
                joinNew(Transition.toNothing("idle for " + idle.toSeconds() + " s"));
            }
            return null;
        });
    }

    private void checkOpen() {
        if (closed) {
            throw new EngineClosedException("this LocalLlm is closed");
        }
    }

    private CompletableFuture<Void> joinNew(Transition transition) {
        CompletableFuture<Void> waiter = transition.join().orElseThrow();
        begin(transition);
        return waiter;
    }

    private void begin(Transition transition) {
        transitions.add(transition);
        worker.execute(() -> run(transition));
    }

    private void run(Transition transition) {
        // Whoever waited for it may have had another one first.
        if (!locked(() -> transitions.contains(transition))) {
            return;
        }
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
            } else if (transition.isChosen()) {
                chosenId = lastModelId;
            }
            settleArrivals(transition, seen);
            return seen;
        });
        if (failure == null) {
            transition.target().filter(_ -> transition.isChosen()).ifPresent(resolver::remember);
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

    /// Requests that can be answered now are admitted before the next transition can close the gate. Those that wait together come in together.
    private void settleArrivals(Transition transition, Throwable failure) {
        for (Arrival arrival : List.copyOf(arrivals)) {
            if (closed) {
                arrivals.remove(arrival);
                arrival.fail(new EngineClosedException("this LocalLlm was closed meanwhile"));
            } else if (slot.isReadyFor(arrival.modelId())) {
                arrivals.remove(arrival);
                arrival.admit();
                if (arrival.transition() != transition && arrival.transition().leave()) {
                    transitions.remove(arrival.transition());
                }
            } else if (arrival.transition() == transition) {
                arrivals.remove(arrival);
                arrival.fail(failure);
            }
        }
    }

    /// Starts a request on the model that it names. Where it names none that is the one that is loaded, or the last one or the preferred one where
    /// there is none.
    ///
    /// @throws CancellationException if the thread is interrupted while it waits
    AnswerStream generate(Optional<String> model, GenerationRequest request) {
        return enter(model, slot::visitToAnswer).answer(request);
    }

    /// Calls the engine of a model, which counts as a request; the call is told when it is to end.
    <T> T call(Optional<String> model, BiFunction<Engine, BooleanSupplier, T> call) {
        try (ModelSlot.Visit visit = visit(model)) {
            return call.apply(visit.engine(), visit::isCancelled);
        }
    }

    /// The engine of a model, once it answers; as a request would have it. The caller closes it.
    ModelSlot.Visit visit(Optional<String> model) {
        return enter(model, slot::visit);
    }

    private ModelSlot.Visit enter(Optional<String> model, Supplier<ModelSlot.Visit> admission) {
        Optional<String> id = model.map(resolver::idOf);
        Arrival arrival;
        lock.lock();
        try {
            checkOpen();
            if (slot.isReadyFor(id)) {
                return admission.get();
            }
            if (slot.isGateClosed() && policy.arriving() == SwitchPolicy.Arriving.FAIL && !isComing(id)) {
                throw new EngineClosedException("the model is being exchanged; ask again when the status says idle");
            }
            arrival = new Arrival(id, admission, transitionFor(id));
            arrivals.add(arrival);
        } finally {
            lock.unlock();
        }
        try {
            return arrival.await();
        } catch (InterruptedException e) {
            leave(arrival);
            Thread.currentThread().interrupt();
            throw (CancellationException) new CancellationException("interrupted while a model was waited for").initCause(e);
        } catch (ExecutionException e) {
            throw unwrapped(e.getCause());
        }
    }

    /// Whether the gate is closed for a model that is named.
    private boolean isComing(Optional<String> id) {
        return id.isPresent() && !transitions.isEmpty() && transitions.getFirst().target().equals(id);
    }

    /// The first transition that brings a model, or, where none is named, one that the application chose. Entered.
    private Transition transitionFor(Optional<String> id) {
        String wanted = id.orElseGet(this::wantedId);
        for (Transition each : transitions) {
            boolean brings = each.target().equals(Optional.of(wanted)) || id.isEmpty() && each.isChosen();
            if (brings && each.enter()) {
                return each;
            }
        }
        Transition own = Transition.to(wanted);
        own.enter();
        begin(own);
        return own;
    }

    /// A request waits no longer. If it has been admitted meanwhile, nobody else ends its visit.
    private void leave(Arrival arrival) {
        boolean waited = locked(() -> arrivals.remove(arrival));
        if (waited) {
            arrival.transition().giveUp();
        } else {
            arrival.endVisit();
        }
    }

    private String wantedId() {
        return lastModelId != null ? lastModelId : resolver.preferredId();
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
