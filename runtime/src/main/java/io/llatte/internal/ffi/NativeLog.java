package io.llatte.internal.ffi;

import static java.nio.charset.StandardCharsets.UTF_8;

import io.llatte.bindings.LlamaCpp;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.slf4j.event.Level;

/// Carries llama.cpp's log lines from the shim's ring buffer to SLF4J, under the logger `io.llatte.llama.cpp`.
///
/// One daemon thread waits inside the shim, so that no decode ever calls back into Java and nothing is polled.
final class NativeLog {

    private static final Logger LOG = LoggerFactory.getLogger("io.llatte.llama.cpp");
    private static final int LINE_BYTES = 16 * 1024;
    private static final int WAIT_MILLIS = 60_000;

    private NativeLog() {
    }

    static void start() {
        Thread.ofPlatform().daemon().name("llatte-log").start(NativeLog::drain);
    }

    private static void drain() {
        try (var memory = Arena.ofConfined()) {
            MemorySegment line = memory.allocate(LINE_BYTES);
            MemorySegment level = memory.allocate(ValueLayout.JAVA_INT);
            while (true) {
                int length = LlamaCpp.llatte_log_take(line, LINE_BYTES, level, WAIT_MILLIS);
                if (length > 0) {
                    LOG.atLevel(levelOf(level.get(ValueLayout.JAVA_INT, 0)))
                            .log(new String(line.asSlice(0, length).toArray(ValueLayout.JAVA_BYTE), UTF_8));
                }
            }
        }
    }

    /// llama.cpp's INFO is a model's whole inventory: it is DEBUG to an application.
    static Level levelOf(int ggmlLogLevel) {
        return switch (ggmlLogLevel) {
            case 4 -> Level.ERROR;
            case 3 -> Level.WARN;
            case 2 -> Level.DEBUG;
            default -> Level.TRACE;
        };
    }
}
