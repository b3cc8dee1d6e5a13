package io.llatte.memory;

import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// Tells which arenas are open and where in the program each was opened: a debug mode, for finding those that nobody closes. It is on from the
/// start with `-Dio.llatte.traceArenas=true`, and those that are open at the JVM's end are then in the log as warnings; [#start()] begins
/// later. While it is off it costs one read of a field for each arena. Thread-safe.
public final class ArenaTrace {

    /// The system property that turns it on.
    public static final String PROPERTY = "io.llatte.traceArenas";

    private static final Logger LOG = LoggerFactory.getLogger(ArenaTrace.class);
    private static final Map<DeviceArena, List<StackTraceElement>> OPEN = new IdentityHashMap<>();
    private static volatile boolean tracing;

    static {
        if (Boolean.getBoolean(PROPERTY)) {
            start();
            Runtime.getRuntime().addShutdownHook(Thread.ofPlatform().name("llatte-arena-trace").unstarted(ArenaTrace::warn));
        }
    }

    private ArenaTrace() {
    }

    /// An arena that nobody has closed yet.
    ///
    /// @param name what it is for
    /// @param bytes what it holds itself, without the arenas inside
    /// @param openedAt the stack of its opening, the innermost call first, this library's own included
    public record OpenArena(String name, long bytes, List<StackTraceElement> openedAt) {

        public OpenArena {
            openedAt = List.copyOf(openedAt);
        }

        /// The arena, its bytes and, below, a line for each call.
        @Override
        public String toString() {
            return openedAt.stream().map(call -> "\n\tat " + call).collect(Collectors.joining("", "%s, %,d bytes, opened".formatted(name, bytes), ""));
        }
    }

    /// Arenas that are opened from now on are traced.
    public static void start() {
        tracing = true;
    }

    /// No further arena is traced, and those that were are forgotten.
    public static void stop() {
        tracing = false;
        synchronized (OPEN) {
            OPEN.clear();
        }
    }

    /// What was opened since [#start()] and is not closed. An arena that was opened inside another goes with it.
    public static List<OpenArena> openArenas() {
        Map<DeviceArena, List<StackTraceElement>> now;
        synchronized (OPEN) {
            now = new IdentityHashMap<>(OPEN);
        }
        return now.entrySet().stream().map(each -> new OpenArena(each.getKey().name(), each.getKey().chargedBytes(), each.getValue())).toList();
    }

    static void opened(DeviceArena arena) {
        if (tracing) {
            List<StackTraceElement> calls = StackWalker.getInstance().walk(ArenaTrace::outside);
            synchronized (OPEN) {
                OPEN.put(arena, calls);
            }
        }
    }

    private static List<StackTraceElement> outside(Stream<StackWalker.StackFrame> calls) {
        String arena = DeviceArena.class.getName();
        String trace = ArenaTrace.class.getName();
        return calls.dropWhile(call -> call.getClassName().equals(arena) || call.getClassName().equals(trace))
                .map(StackWalker.StackFrame::toStackTraceElement).toList();
    }

    static void closed(DeviceArena arena) {
        if (tracing) {
            synchronized (OPEN) {
                OPEN.remove(arena);
            }
        }
    }

    private static void warn() {
        openArenas().forEach(each -> LOG.warn("never closed: {}", each));
    }
}
