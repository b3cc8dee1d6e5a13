package io.llatte.internal.ffi;

import static java.nio.charset.StandardCharsets.UTF_8;

import io.llatte.bindings.LlamaCpp;
import io.llatte.bindings.llatte_text;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/// Reads text that the shim allocated, and gives it back.
final class NativeText {

    private NativeText() {
    }

    /// A call that fills a `llatte_text` and an error, and returns a status.
    @FunctionalInterface
    interface Producer {
        int call(MemorySegment text, MemorySegment error);
    }

    static String read(String action, Producer producer) {
        try (var scratch = Arena.ofConfined()) {
            MemorySegment text = llatte_text.allocate(scratch);
            MemorySegment error = NativeStatus.newError(scratch);
            NativeStatus.check(producer.call(text, error), error, action);
            try {
                byte[] bytes = new byte[Math.toIntExact(llatte_text.length(text))];
                MemorySegment.copy(llatte_text.data(text).reinterpret(bytes.length), ValueLayout.JAVA_BYTE, 0, bytes, 0, bytes.length);
                return new String(bytes, UTF_8);
            } finally {
                LlamaCpp.llatte_text_free(text);
            }
        }
    }
}
