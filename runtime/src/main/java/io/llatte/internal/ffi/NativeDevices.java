package io.llatte.internal.ffi;

import io.llatte.bindings.LlamaCpp;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.List;
import java.util.stream.IntStream;

/// The devices of the loaded backends.
public final class NativeDevices {

    private NativeDevices() {
    }

    /// A device; `type` is ggml's number.
    public record Entry(int index, String name, String description, int type, String backend) {
    }

    public static List<Entry> list() {
        NativeLibrary.load();
        return IntStream.range(0, Math.toIntExact(LlamaCpp.ggml_backend_dev_count())).mapToObj(NativeDevices::entry).toList();
    }

    private static Entry entry(int index) {
        MemorySegment device = LlamaCpp.ggml_backend_dev_get(index);
        return new Entry(index,
                NativeModel.textOf(LlamaCpp.ggml_backend_dev_name(device)),
                NativeModel.textOf(LlamaCpp.ggml_backend_dev_description(device)),
                LlamaCpp.ggml_backend_dev_type(device),
                NativeModel.textOf(LlamaCpp.ggml_backend_reg_name(LlamaCpp.ggml_backend_dev_backend_reg(device))));
    }

    /// Free and total bytes as the driver reports them.
    public record Memory(long freeBytes, long totalBytes) {
    }

    public static Memory memory(int index) {
        try (var scratch = Arena.ofConfined()) {
            MemorySegment free = scratch.allocate(ValueLayout.JAVA_LONG);
            MemorySegment total = scratch.allocate(ValueLayout.JAVA_LONG);
            MemorySegment error = NativeStatus.newError(scratch);
            NativeStatus.check(LlamaCpp.llatte_device_memory(index, free, total, error), error, "reading a device's memory");
            return new Memory(free.get(ValueLayout.JAVA_LONG, 0), total.get(ValueLayout.JAVA_LONG, 0));
        }
    }

    /// The shim's report on each backend module, as JSON.
    public static String backendReport() {
        NativeLibrary.load();
        return NativeText.read("reporting on the backends", LlamaCpp::llatte_backend_report);
    }

    public static String llatteVersion() {
        NativeLibrary.load();
        return NativeModel.textOf(LlamaCpp.llatte_version());
    }

    public static String llamaCppVersion() {
        NativeLibrary.load();
        return NativeModel.textOf(LlamaCpp.llama_version());
    }
}
