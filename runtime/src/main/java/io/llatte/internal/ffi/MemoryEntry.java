package io.llatte.internal.ffi;

import static java.nio.charset.StandardCharsets.UTF_8;

import io.llatte.bindings.LlamaCpp;
import io.llatte.bindings.llatte_memory_entry;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.List;
import java.util.stream.IntStream;

/// Bytes of one buffer type, as llama.cpp accounts for them.
public record MemoryEntry(String device, String bufferType, long modelBytes, long contextBytes, long computeBytes) {

    private static final int CAPACITY = 64;

    @FunctionalInterface
    interface Producer {
        int call(MemorySegment entries, int capacity, MemorySegment count, MemorySegment error);
    }

    static List<MemoryEntry> read(String action, Producer producer) {
        try (var scratch = Arena.ofConfined()) {
            MemorySegment entries = llatte_memory_entry.allocateArray(CAPACITY, scratch);
            MemorySegment count = scratch.allocate(ValueLayout.JAVA_INT);
            MemorySegment error = NativeStatus.newError(scratch);
            NativeStatus.check(producer.call(entries, CAPACITY, count, error), error, action);
            return IntStream.range(0, count.get(ValueLayout.JAVA_INT, 0))
                    .mapToObj(i -> of(llatte_memory_entry.asSlice(entries, i)))
                    .toList();
        }
    }

    private static MemoryEntry of(MemorySegment entry) {
        return new MemoryEntry(
                llatte_memory_entry.device(entry).getString(0, UTF_8),
                llatte_memory_entry.buffer_type(entry).getString(0, UTF_8),
                llatte_memory_entry.model_bytes(entry),
                llatte_memory_entry.context_bytes(entry),
                llatte_memory_entry.compute_bytes(entry));
    }

    static List<MemoryEntry> plan(MemorySegment path, MemorySegment modelParams, MemorySegment contextParams, String action) {
        return read(action, (entries, capacity, count, error) ->
                LlamaCpp.llatte_memory_plan(path, modelParams, contextParams, entries, capacity, count, error));
    }
}
