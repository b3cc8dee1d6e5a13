package io.llatte.internal.ffi;

import java.util.Set;
import java.util.concurrent.CancellationException;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// The end of the process. Native libraries then destroy what they hold, while threads that are inside them go on and crash. So a hook brings
/// native code to rest first: calls are refused from then on, those that run are cancelled, and the hook waits for them, five seconds at most.
/// Nothing is freed: the system takes it back.
///
/// Hooks run side by side. `-Dllatte.exit.hook=false` leaves this one out, for an application whose own hook lets requests end and then closes
/// what it opened.
public final class ProcessEnd {

    private static final Logger LOG = LoggerFactory.getLogger(ProcessEnd.class);
    private static final String HOOK_PROPERTY = "llatte.exit.hook";
    private static final long PATIENCE_NANOS = TimeUnit.SECONDS.toNanos(5);
    private static final long RETRY_NANOS = TimeUnit.MILLISECONDS.toNanos(1);

    private static final Set<Call> RUNNING = ConcurrentHashMap.newKeySet();
    private static volatile boolean begun;

    private ProcessEnd() {
    }

    /// A call that no [NativeHandle] guards, such as a load.
    static final class Call implements AutoCloseable {

        private final Runnable cancel;

        private Call(Runnable cancel) {
            this.cancel = cancel;
        }

        @Override
        public void close() {
            RUNNING.remove(this);
        }
    }

    /// Registers the hook; once.
    static void prepare() {
        if (!"false".equalsIgnoreCase(System.getProperty(HOOK_PROPERTY))) {
            try {
                Runtime.getRuntime().addShutdownHook(new Thread(ProcessEnd::rest, "llatte-exit"));
            } catch (IllegalStateException endsAlready) {
                begun = true;
            }
        }
    }

    /// Whether native calls are refused because the process ends.
    public static boolean hasBegun() {
        return begun;
    }

    /// Begins a call that the end of the process has to wait for.
    ///
    /// @param cancel makes it return early, if anything does
    /// @throws CancellationException if the process ends
    static Call enter(Runnable cancel) {
        var call = new Call(cancel);
        RUNNING.add(call);
        // Added before this is read: either the hook sees the call, or the call sees the hook.
        if (begun) {
            call.close();
            throw new CancellationException("the process is ending");
        }
        return call;
    }

    private static void rest() {
        begun = true;
        long start = System.nanoTime();
        int inside;
        while ((inside = cancelAll()) > 0 && System.nanoTime() - start < PATIENCE_NANOS) {
            LockSupport.parkNanos(RETRY_NANOS);
        }
        if (inside > 0) {
            LOG.warn("the process ends while {} native calls run", inside);
        }
    }

    /// Cancels again each time: a call that was just about to begin may have taken an earlier cancel back. Returns how many have not returned.
    private static int cancelAll() {
        RUNNING.forEach(call -> call.cancel.run());
        return RUNNING.size() + NativeHandle.countInUse();
    }
}
