package io.llatte.internal.ffi;

import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.function.Supplier;

/// Runs native code that recurses with its input on a thread whose stack is large enough for it. Only what is touched takes memory.
final class DeepStack {

    private DeepStack() {
    }

    static <T> T call(long stackBytes, Supplier<T> call) {
        var result = new CompletableFuture<T>();
        new Thread(null, () -> {
            try {
                result.complete(call.get());
            } catch (RuntimeException | Error e) {
                result.completeExceptionally(e);
            }
        }, "llatte-deep-stack", stackBytes).start();
        try {
            return result.join();
        } catch (CompletionException e) {
            switch (e.getCause()) {
                case RuntimeException cause -> throw cause;
                case Error cause -> throw cause;
                default -> throw new AssertionError("a supplier throws no checked exception", e.getCause());
            }
        }
    }
}
