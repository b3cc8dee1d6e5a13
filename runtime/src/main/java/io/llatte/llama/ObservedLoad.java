package io.llatte.llama;

import io.llatte.internal.ffi.NativeControl;
import io.llatte.internal.ffi.NativeModel;
import java.nio.file.Path;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/// A load on a thread of its own, so that the calling thread can read its progress and tell a listener.
final class ObservedLoad {

    private static final long POLL_MILLIS = 50;

    private final LoadListener listener;
    private double told = -1;

    ObservedLoad(LoadListener listener) {
        this.listener = listener;
    }

    NativeModel load(Path gguf, NativeModel.Params params, NativeControl control) {
        var loading = new CompletableFuture<NativeModel>();
        Thread.ofPlatform().daemon().name("llatte-load").start(() -> {
            try {
                loading.complete(NativeModel.load(gguf, params, control));
            } catch (RuntimeException | Error e) {
                loading.completeExceptionally(e);
            }
        });
        try {
            NativeModel loaded = await(loading, control);
            tellDone();
            return loaded;
        } catch (RuntimeException | Error e) {
            control.cancel();
            loading.thenAccept(NativeModel::close);
            throw e;
        }
    }

    /// Waits for the load, telling the listener meanwhile. An interrupt cancels the load, which is then still waited for: its arguments
    /// must not go before it has ended.
    private NativeModel await(CompletableFuture<NativeModel> loading, NativeControl control) {
        boolean interrupted = false;
        try {
            while (true) {
                try {
                    return loading.get(POLL_MILLIS, TimeUnit.MILLISECONDS);
                } catch (TimeoutException stillLoading) {
                    tell(control);
                } catch (InterruptedException e) {
                    interrupted = true;
                    control.cancel();
                } catch (ExecutionException e) {
                    throw unwrapped(e);
                }
            }
        } finally {
            if (interrupted) {
                Thread.currentThread().interrupt();
            }
        }
    }

    private void tell(NativeControl control) {
        double fraction = control.progress();
        if (fraction > told && fraction < 1 && !control.isCancelled()) {
            told = fraction;
            if (!listener.progress(fraction)) {
                control.cancel();
            }
        }
    }

    private void tellDone() {
        if (!listener.progress(1)) {
            throw new CancellationException("the listener cancelled the load when it was done");
        }
    }

    private static RuntimeException unwrapped(ExecutionException e) {
        return switch (e.getCause()) {
            case RuntimeException cause -> cause;
            case Error cause -> throw cause;
            default -> throw new AssertionError("a native load throws no checked exception", e.getCause());
        };
    }
}
