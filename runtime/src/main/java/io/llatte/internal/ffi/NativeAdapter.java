package io.llatte.internal.ffi;

import io.llatte.bindings.LlamaCpp;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Path;
import java.util.List;

/// Owns a `llatte_adapter`. It is freed while no call runs in a context that uses it.
public final class NativeAdapter implements AutoCloseable {

    private final NativeHandle handle;

    private NativeAdapter(MemorySegment raw) {
        handle = new NativeHandle("the adapter", raw, LlamaCpp::llatte_adapter_free);
    }

    /// The bytes that loading would take.
    public static List<MemoryEntry> plan(NativeModel model, Path path) {
        try (var scratch = Arena.ofConfined()) {
            MemorySegment file = NativeModel.pathOf(path, scratch);
            return MemoryEntry.read("planning the adapter " + path, (entries, capacity, count, error) ->
                    LlamaCpp.llatte_adapter_plan(model.handle().segment(), file, entries, capacity, count, error));
        }
    }

    public static NativeAdapter load(NativeModel model, Path path) {
        try (var scratch = Arena.ofConfined()) {
            MemorySegment out = scratch.allocate(ValueLayout.ADDRESS);
            MemorySegment error = NativeStatus.newError(scratch);
            int status = LlamaCpp.llatte_adapter_load(model.handle().segment(), NativeModel.pathOf(path, scratch), out, error);
            NativeStatus.check(status, error, "loading the adapter " + path);
            return new NativeAdapter(out.get(ValueLayout.ADDRESS, 0));
        }
    }

    public List<MemoryEntry> memory() {
        return MemoryEntry.read("reading the adapter's memory", (entries, capacity, count, error) ->
                LlamaCpp.llatte_adapter_memory(handle.segment(), entries, capacity, count, error));
    }

    MemorySegment segment() {
        return handle.segment();
    }

    public boolean isOpen() {
        return handle.isOpen();
    }

    @Override
    public void close() {
        handle.close();
    }
}
