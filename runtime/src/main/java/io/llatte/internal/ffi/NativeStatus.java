package io.llatte.internal.ffi;

import static java.nio.charset.StandardCharsets.UTF_8;

import io.llatte.BackendUnavailableException;
import io.llatte.ContextOverflowException;
import io.llatte.DecodeException;
import io.llatte.GrammarException;
import io.llatte.InsufficientMemoryException;
import io.llatte.MediaException;
import io.llatte.ModelLoadException;
import io.llatte.NativeAssertionException;
import io.llatte.SavedStateException;
import io.llatte.SpeculationException;
import io.llatte.TemplateException;
import io.llatte.bindings.LlamaCpp;
import io.llatte.bindings.llatte_error;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SegmentAllocator;
import java.util.concurrent.CancellationException;

/// The only place where a status code becomes an exception.
final class NativeStatus {

    private NativeStatus() {
    }

    /// Memory for a call's error: one for each thread at a time.
    static MemorySegment newError(SegmentAllocator allocator) {
        return llatte_error.allocate(allocator);
    }

    /// Returns where `status` is OK, without allocating anything.
    ///
    /// @param action what was being done, as in "loading model.gguf"
    static void check(int status, MemorySegment error, String action) {
        if (status != LlamaCpp.LLATTE_OK()) {
            throw failure(status, error, action);
        }
    }

    static RuntimeException failure(int status, MemorySegment error, String action) {
        long requested = llatte_error.requested(error);
        long available = llatte_error.available(error);
        String message = action + ": " + llatte_error.message(error).getString(0, UTF_8);
        return switch (status) {
            case 1, 12 -> new IllegalArgumentException(message);
            case 2 -> new IllegalStateException(message);
            case 3 -> new InsufficientMemoryException(message, "", requested, available);
            case 4 -> new ContextOverflowException(message, requested, available);
            case 5 -> new CancellationException(message);
            case 6 -> new ModelLoadException(message);
            case 7 -> new DecodeException(message);
            case 8 -> new TemplateException(message);
            case 9 -> new GrammarException(message);
            case 10 -> new BackendUnavailableException(message);
            case 11 -> new SavedStateException(message);
            case 13 -> new UncheckedIOException(new IOException(message));
            case 16 -> new SpeculationException(message);
            case 17 -> new MediaException(message);
            case 14, 15 -> new NativeAssertionException(message);
            default -> throw new AssertionError("status " + status + " is unknown to these bindings: " + message);
        };
    }
}
