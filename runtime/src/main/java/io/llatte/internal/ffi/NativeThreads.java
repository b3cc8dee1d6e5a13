package io.llatte.internal.ffi;

import io.llatte.bindings.LlamaCpp;
import java.lang.foreign.Arena;
import java.lang.foreign.ValueLayout;

/// The native threads that compute for a thread of the JVM's.
public final class NativeThreads {

    private NativeThreads() {
    }

    /// Ends those that have computed for the calling thread, until it computes again.
    public static void release() {
        NativeLibrary.load();
        LlamaCpp.llatte_release_threads();
    }

    /// Lets the calling thread, and those that it starts, run on these processors alone.
    public static void bind(int[] processors) {
        NativeLibrary.load();
        try (var scratch = Arena.ofConfined()) {
            var error = NativeStatus.newError(scratch);
            var numbers = scratch.allocateFrom(ValueLayout.JAVA_INT, processors);
            NativeStatus.check(LlamaCpp.llatte_bind_thread(numbers, processors.length, error), error, "binding a thread");
        }
    }
}
