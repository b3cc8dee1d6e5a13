package io.llatte.internal.ffi;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Consumer;

/// One native pointer with one owner and one release.
///
/// The pointer is attached to a shared arena: a downcall that holds it keeps it alive, so that closing waits for the call and never
/// frees under it. After that every use is an [IllegalStateException].
final class NativeHandle implements AutoCloseable {

    private static final long CLOSE_RETRY_NANOS = 50_000;

    private static final AtomicInteger OPEN = new AtomicInteger();

    private final String what;
    private final Arena arena;
    private final MemorySegment segment;
    private volatile boolean closing;

    /// @param what names the handle in messages, as in "the context"
    /// @param free releases the pointer; called once
    NativeHandle(String what, MemorySegment raw, Consumer<MemorySegment> free) {
        this.what = what;
        this.arena = Arena.ofShared();
        this.segment = raw.reinterpret(arena, pointer -> {
            free.accept(pointer);
            OPEN.decrementAndGet();
        });
        OPEN.incrementAndGet();
    }

    /// How many pointers have not been released.
    static int openCount() {
        return OPEN.get();
    }

    /// The pointer, to be passed to a downcall as it is: a copy of its address would not keep it alive.
    MemorySegment segment() {
        if (!isOpen()) {
            throw new IllegalStateException(what + " is closed");
        }
        return segment;
    }

    /// A pointer into what this one owns, guarded as this one is: a call that is given it keeps the owner alive, and after the close it is
    /// refused.
    MemorySegment guard(MemorySegment borrowed, long size) {
        return borrowed.reinterpret(size, arena, null);
    }

    /// A copy of a C string that the handle owns, or null.
    String text(MemorySegment borrowed) {
        return borrowed.equals(MemorySegment.NULL) ? null : guard(borrowed, Long.MAX_VALUE).getString(0, StandardCharsets.UTF_8);
    }

    boolean isOpen() {
        return !closing;
    }

    @Override
    public void close() {
        // New calls are refused from here on: calls that follow one another closely would otherwise hold it open.
        closing = true;
        while (arena.scope().isAlive()) {
            try {
                arena.close();
            } catch (IllegalStateException inUse) {
                // Another thread is inside a downcall, or closed first: look again.
                LockSupport.parkNanos(CLOSE_RETRY_NANOS);
            }
        }
    }
}
