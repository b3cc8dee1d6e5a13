package io.llatte.internal.ffi;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;
import java.util.Set;
import java.util.concurrent.CancellationException;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Consumer;

/// One native pointer with one owner and one release.
///
/// The pointer is attached to a shared arena: a downcall that holds it keeps it alive, so that closing waits for the call and never
/// frees under it. After that every use is an [IllegalStateException]. While the process ends nothing is freed, and every use is a
/// [CancellationException].
final class NativeHandle implements AutoCloseable {

    private static final long CLOSE_RETRY_NANOS = 50_000;

    private static final Set<NativeHandle> OPEN = ConcurrentHashMap.newKeySet();

    private final String what;
    private final Arena arena;
    private final MemorySegment segment;
    private final Runnable cancel;
    private volatile boolean closing;

    /// @param what names the handle in messages, as in "the context"
    /// @param free releases the pointer; called once
    NativeHandle(String what, MemorySegment raw, Consumer<MemorySegment> free) {
        this(what, raw, free, () -> { });
    }

    /// @param cancel makes a running call return early
    NativeHandle(String what, MemorySegment raw, Consumer<MemorySegment> free, Runnable cancel) {
        this.what = what;
        this.cancel = cancel;
        this.arena = Arena.ofShared();
        this.segment = raw.reinterpret(arena, pointer -> {
            if (!ProcessEnd.hasBegun()) {
                free.accept(pointer);
            }
            OPEN.remove(this);
        });
        OPEN.add(this);
    }

    /// How many pointers have not been released.
    static int openCount() {
        return OPEN.size();
    }

    /// At the end of the process: cancels the calls that are inside, and returns how many handles have one.
    static int countInUse() {
        int inUse = 0;
        for (NativeHandle handle : OPEN) {
            handle.cancel.run();
            handle.tryClose();
            inUse += OPEN.contains(handle) ? 1 : 0;
        }
        return inUse;
    }

    /// The pointer, to be passed to a downcall as it is: a copy of its address would not keep it alive.
    MemorySegment segment() {
        if (closing) {
            throw new IllegalStateException(what + " is closed");
        }
        if (ProcessEnd.hasBegun()) {
            throw new CancellationException(what + " is not used any longer: the process is ending");
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
        return !closing && !ProcessEnd.hasBegun();
    }

    @Override
    public void close() {
        // New calls are refused from here on: calls that follow one another closely would otherwise hold it open.
        closing = true;
        while (arena.scope().isAlive()) {
            if (!tryClose()) {
                LockSupport.parkNanos(CLOSE_RETRY_NANOS);
            }
        }
    }

    private boolean tryClose() {
        try {
            arena.close();
            return true;
        } catch (IllegalStateException inUse) {
            // Another thread is inside a downcall, or closed first.
            return false;
        }
    }
}
