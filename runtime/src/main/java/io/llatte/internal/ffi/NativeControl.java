package io.llatte.internal.ffi;

import io.llatte.bindings.llatte_control;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.VarHandle;

/// Two flags in native memory that both sides read and write: cancel, and a load's progress. They replace callbacks into Java.
///
/// Its memory must outlive every native call and context that it was given to.
public final class NativeControl {

    private static final VarHandle CANCEL = ValueLayout.JAVA_INT.varHandle();
    private static final VarHandle PROGRESS = ValueLayout.JAVA_FLOAT.varHandle();

    private final MemorySegment cancel;
    private final MemorySegment progress;
    private final MemorySegment segment;

    NativeControl(Arena memory) {
        segment = llatte_control.allocate(memory);
        cancel = segment.asSlice(llatte_control.cancel$offset(), ValueLayout.JAVA_INT);
        progress = segment.asSlice(llatte_control.progress$offset(), ValueLayout.JAVA_FLOAT);
    }

    /// Flags for one load: the downcall that they are passed to keeps their memory.
    public static NativeControl forLoad() {
        return new NativeControl(Arena.ofAuto());
    }

    MemorySegment segment() {
        return segment;
    }

    /// Asks the running call to stop; any thread. Does nothing once the memory is gone, and with it everything to cancel.
    public void cancel() {
        try {
            CANCEL.setRelease(cancel, 0L, 1);
        } catch (IllegalStateException closed) {
            if (cancel.scope().isAlive()) {
                throw closed;
            }
        }
    }

    /// Lets the next call run, unless the process ends.
    public void rearm() {
        CANCEL.setRelease(cancel, 0L, ProcessEnd.hasBegun() ? 1 : 0);
    }

    public boolean isCancelled() {
        return (int) CANCEL.getAcquire(cancel, 0L) != 0;
    }

    /// How much of a model is loaded, 0 to 1.
    public float progress() {
        return (float) PROGRESS.getAcquire(progress, 0L);
    }
}
