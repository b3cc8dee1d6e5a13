package io.llatte;

import io.llatte.engine.AnswerStream;
import io.llatte.engine.Engine;
import io.llatte.engine.GenerationEnd;
import io.llatte.engine.GenerationRequest;
import io.llatte.engine.ModelFile;
import io.llatte.memory.DeviceArena;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.CancellationException;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Supplier;

/// The one place for a model that answers, with a gate that is closed while the model goes. Status and events change under its lock, in the
/// moment in which what they say becomes true.
final class ModelSlot {

    private final SwitchPolicy policy;
    private final DeviceArena arena;
    private final EventBus events;
    private final StatusBoard status;
    private final Runnable afterActivity;
    private final Runnable afterRelease;
    private final ReentrantLock lock = new ReentrantLock();
    private final Requests requests = new Requests(lock);

    // Guarded by the lock.
    private Loaded current;
    private boolean gateClosed;

    /// An engine and the file that it was loaded from; on a server there is none.
    record Loaded(Engine engine, Optional<ModelFile> file) {
        String id() {
            return engine.modelId();
        }
    }

    /// @param afterActivity called, and to return at once, when a model was loaded or a request ended
    /// @param afterRelease called, and to return at once, when a model's memory was given back
    ModelSlot(SwitchPolicy policy, DeviceArena arena, EventBus events, StatusBoard status, Runnable afterActivity, Runnable afterRelease) {
        this.policy = policy;
        this.arena = arena;
        this.events = events;
        this.status = status;
        this.afterActivity = afterActivity;
        this.afterRelease = afterRelease;
    }

    ReentrantLock lock() {
        return lock;
    }

    /// What answers now, or null.
    Loaded current() {
        return locked(() -> current);
    }

    /// Whether a model answers, and nothing is about to take it away. The lock is held.
    boolean isReady() {
        return current != null && !gateClosed;
    }

    /// The lock is held.
    boolean isGateClosed() {
        return gateClosed;
    }

    /// Whether a model is loaded that has nothing to do. The lock is held.
    boolean isIdle() {
        return isReady() && requests.isEmpty();
    }

    /// Whether a model answers that is this one, or any where none is named. The lock is held.
    boolean isReadyFor(Optional<String> modelId) {
        return isReady() && modelId.map(current.id()::equals).orElse(true);
    }

    /// A request has ended without an answer to tell of.
    private void leave(Requests.Ticket ticket) {
        locked(() -> {
            requests.remove(ticket);
            status.activity();
            if (current != null) {
                show("");
            }
            return null;
        });
        afterActivity.run();
    }

    /// A request's time with the engine: nothing takes the engine away before it has ended.
    final class Visit implements AutoCloseable {

        private final Engine engine;
        private final Requests.Ticket ticket;
        private volatile boolean cancelled;

        private Visit() {
            engine = current.engine();
            ticket = requests.add(engine.modelId());
            ticket.cancelsBy(() -> cancelled = true);
        }

        Engine engine() {
            return engine;
        }

        /// Whether the call is to end.
        boolean isCancelled() {
            return cancelled;
        }

        /// Starts an answer, whose end is the visit's; so is a failure to start. To be called once, without the lock: prompts become tokens and
        /// pictures are encoded, which takes time.
        AnswerStream answer(GenerationRequest request) {
            try {
                AnswerStream stream = engine.generate(request, end -> ended(ticket, end));
                ticket.started(stream);
                return stream;
            } catch (RuntimeException | Error e) {
                close();
                throw e;
            }
        }

        /// Ends it without an answer to tell of.
        @Override
        public void close() {
            leave(ticket);
        }
    }

    /// A visit for an answer. The lock is held and the slot ready.
    Visit visitToAnswer() {
        Visit visit = visit();
        events.publish(new LlmEvent.Generating(visit.ticket.modelId(), visit.ticket.id()));
        return visit;
    }

    /// The lock is held and the slot ready. The caller closes it.
    Visit visit() {
        var visit = new Visit();
        status.activity();
        show("");
        return visit;
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
                show("");
            }
            return null;
        });
        afterActivity.run();
    }

    /// Puts a model in, and opens the gate.
    void fill(Loaded loaded, Duration loadTime) {
        locked(() -> {
            current = loaded;
            gateClosed = false;
            status.activity();
            show("");
            events.publish(new LlmEvent.Ready(loaded.id(), loaded.engine().placement(), loadTime));
            return null;
        });
        afterActivity.run();
    }

    /// Closes the gate, lets requests end as the policy says, and closes the engine. When this returns its bytes are free, and the gate is
    /// still closed.
    ///
    /// @param next sets the status that comes next
    /// @throws java.util.concurrent.CancellationException if that was cancelled while requests were waited for; the model then still answers
    void empty(String reason, Runnable next) {
        Loaded old = locked(() -> {
            gateClosed = true;
            return current;
        });
        if (policy.running() == SwitchPolicy.Running.CANCEL) {
            requests.cancelAll();
        }
        // A reader that stopped reading must not keep the next model waiting.
        old.engine().waitForReaders(false);
        try {
            requests.awaitNone();
        } catch (CancellationException e) {
            old.engine().waitForReaders(true);
            throw e;
        }
        closeEngine(old, reason, next);
    }

    /// The same at once: what runs fails.
    void emptyNow(String reason, Runnable next) {
        Loaded old = locked(() -> {
            gateClosed = true;
            return current;
        });
        if (old != null) {
            closeEngine(old, reason, next);
        }
    }

    private void closeEngine(Loaded old, String reason, Runnable next) {
        long before = arena.ledger().totalBytes();
        old.engine().close();
        long freed = before - arena.ledger().totalBytes();
        afterRelease.run();
        locked(() -> {
            current = null;
            next.run();
            events.publish(new LlmEvent.Unloaded(old.id(), freed, reason));
            return null;
        });
    }

    /// The end of a change. What could not be done is shown beside what still answers. The lock is held.
    void openGate(String trouble) {
        gateClosed = false;
        if (current != null) {
            show(trouble);
        }
    }

    /// The lock is held, and a model is loaded.
    private void show(String trouble) {
        String reason = trouble.isEmpty() ? current.id() + " is loaded" : trouble;
        LlmState state = !requests.isEmpty() ? LlmState.ACTIVE : gateClosed ? LlmState.LOADING : LlmState.IDLE;
        status.state(state, reason, Optional.of(current.id()));
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
