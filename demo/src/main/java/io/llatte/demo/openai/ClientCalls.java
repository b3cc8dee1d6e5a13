package io.llatte.demo.openai;

import io.llatte.demo.http.ClientConnection;
import io.llatte.demo.http.ClientGoneException;
import java.util.HashSet;
import java.util.Set;
import java.util.concurrent.CancellationException;
import java.util.function.Function;
import java.util.function.Supplier;

/// What a request has the runtime do, by any number of threads; all of it ends when the client goes away. The caller closes it.
final class ClientCalls implements AutoCloseable {

    private final ClientConnection.Watch watch;

    // All guarded by this.
    private final Set<Thread> waiting = new HashSet<>();
    private final Set<Runnable> cancels = new HashSet<>();
    private boolean cancelled;
    private boolean clientGone;

    /// To be made by the thread that answers the request.
    ClientCalls() {
        watch = ClientConnection.current().watch(() -> {
            synchronized (this) {
                clientGone = true;
            }
            cancel();
        });
    }

    /// Makes a call that an interrupt ends, as one that waits for a model to be loaded.
    ///
    /// @throws ClientGoneException if the client has gone
    /// @throws CancellationException if another thread of the request failed, or the runtime cancelled the call
    <T> T interruptibly(Supplier<T> call) {
        synchronized (this) {
            checkGoesOn();
            waiting.add(Thread.currentThread());
        }
        try {
            return call.get();
        } catch (CancellationException e) {
            throw isClientGone() ? new ClientGoneException(e) : e;
        } finally {
            synchronized (this) {
                waiting.remove(Thread.currentThread());
                if (cancelled) {
                    Thread.interrupted();
                }
            }
        }
    }

    /// Opens a stream, and reads it while it can be cancelled.
    ///
    /// @param cancel ends the stream from any thread
    <S extends AutoCloseable, T> T reading(Supplier<S> open, Function<S, Runnable> cancel, Function<S, T> read) {
        S stream = interruptibly(open);
        Runnable canceller = cancel.apply(stream);
        boolean late;
        synchronized (this) {
            cancels.add(canceller);
            late = cancelled;
        }
        if (late) {
            canceller.run();
        }
        try (var _ = closing(stream)) {
            T result = read.apply(stream);
            if (isClientGone()) {
                throw new ClientGoneException(null);
            }
            return result;
        } catch (CancellationException e) {
            throw isClientGone() ? new ClientGoneException(e) : e;
        } finally {
            synchronized (this) {
                cancels.remove(canceller);
            }
        }
    }

    private static ClientConnection.Watch closing(AutoCloseable stream) {
        return () -> {
            try {
                stream.close();
            } catch (RuntimeException e) {
                throw e;
            } catch (Exception e) {
                throw new IllegalStateException(e);
            }
        };
    }

    private void checkGoesOn() {
        if (clientGone) {
            throw new ClientGoneException(null);
        }
        if (cancelled) {
            throw new CancellationException("another answer of the request failed");
        }
    }

    private synchronized boolean isClientGone() {
        return clientGone;
    }

    /// Ends whatever runs.
    void cancel() {
        Set<Runnable> running;
        synchronized (this) {
            cancelled = true;
            waiting.forEach(Thread::interrupt);
            running = new HashSet<>(cancels);
        }
        running.forEach(Runnable::run);
    }

    @Override
    public void close() {
        watch.close();
    }
}
