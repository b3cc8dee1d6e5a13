package io.llatte;

import io.llatte.llama.TokenStream;
import java.lang.ref.WeakReference;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CancellationException;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;

/// The requests that have not ended. Guarded by the runtime's lock, which each method takes or expects held as it says.
final class Requests {

    private final ReentrantLock lock;
    private final Condition none;
    private final Set<Ticket> running = new LinkedHashSet<>();
    private long lastId;

    Requests(ReentrantLock lock) {
        this.lock = lock;
        this.none = lock.newCondition();
    }

    /// A request's place among those that run.
    final class Ticket {

        private final long id;
        private final String modelId;
        // Weakly: a stream that its reader dropped is cancelled, and must not be held here.
        private WeakReference<TokenStream> stream = new WeakReference<>(null);
        private Runnable cancel;
        private boolean cancelled;

        private Ticket(long id, String modelId) {
            this.id = id;
            this.modelId = modelId;
        }

        long id() {
            return id;
        }

        String modelId() {
            return modelId;
        }

        /// Says how it is cancelled, where it is no stream. The lock is held.
        void cancelsBy(Runnable action) {
            cancel = action;
        }

        /// Says what is to be cancelled with it.
        void started(TokenStream newStream) {
            boolean late;
            lock.lock();
            try {
                stream = new WeakReference<>(newStream);
                late = cancelled;
            } finally {
                lock.unlock();
            }
            if (late) {
                newStream.cancel();
            }
        }
    }

    /// The lock is held.
    Ticket add(String modelId) {
        var ticket = new Ticket(++lastId, modelId);
        running.add(ticket);
        return ticket;
    }

    /// The lock is held.
    void remove(Ticket ticket) {
        running.remove(ticket);
        if (running.isEmpty()) {
            none.signalAll();
        }
    }

    /// The lock is held.
    boolean isEmpty() {
        return running.isEmpty();
    }

    /// Cancels all that run. The lock is not held.
    void cancelAll() {
        List<Runnable> cancels = new ArrayList<>();
        lock.lock();
        try {
            for (Ticket ticket : running) {
                ticket.cancelled = true;
                TokenStream stream = ticket.stream.get();
                if (stream != null) {
                    cancels.add(stream::cancel);
                }
                if (ticket.cancel != null) {
                    cancels.add(ticket.cancel);
                }
            }
        } finally {
            lock.unlock();
        }
        cancels.forEach(Runnable::run);
    }

    /// Waits until none runs. The lock is not held.
    ///
    /// @throws CancellationException if the thread is interrupted
    void awaitNone() {
        lock.lock();
        try {
            while (!running.isEmpty()) {
                none.await();
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw (CancellationException) new CancellationException("cancelled while requests were waited for").initCause(e);
        } finally {
            lock.unlock();
        }
    }
}
