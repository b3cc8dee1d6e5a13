package io.llatte.llama;

import io.llatte.internal.ffi.AbiCheck;
import io.llatte.internal.ffi.NativeDevices;
import io.llatte.internal.ffi.NativeLibrary;
import io.llatte.internal.ffi.NativeThreads;
import java.nio.file.Path;
import java.util.List;

/// The native library: loading it, and what it found on this machine. Everything else loads it by itself.
public final class Llama {

    private Llama() {
    }

    /// Loads the native library and its backends, once for the life of the process. The log goes to the SLF4J logger `io.llatte.llama.cpp`.
    ///
    /// @throws io.llatte.BackendUnavailableException with every path tried, if there is no library for this platform, it cannot be loaded,
    ///         or it is of another version than the bindings; a later call throws the same again
    public static void load() {
        NativeLibrary.load();
    }

    /// The same on a machine whose memory belongs to several nodes, with a strategy for them. It holds for the process: say it before anything else uses
    /// this library. On a machine of one node, and elsewhere than on Linux, it changes nothing.
    ///
    /// @throws IllegalStateException if the library was loaded with another strategy before
    /// @throws io.llatte.BackendUnavailableException as [#load()]
    public static void load(NumaStrategy strategy) {
        if (!NativeLibrary.load(strategy.code())) {
            throw new IllegalStateException("the native library is loaded already, with another NUMA strategy than " + strategy
                    + ": ask for it before anything else uses the library");
        }
    }

    /// The versions of the parts that were loaded.
    ///
    /// @param llatte the shim's
    /// @param llamaCpp llama.cpp's (`llama_version`)
    /// @param bindings llama.cpp's that the bindings were generated from; always equal to `llamaCpp`
    public record Versions(String llatte, String llamaCpp, String bindings) {
    }

    /// @throws io.llatte.BackendUnavailableException as [#load()]
    public static Versions versions() {
        return new Versions(NativeDevices.llatteVersion(), NativeDevices.llamaCppVersion(), AbiCheck.LLAMA_CPP_VERSION);
    }

    /// The folder that the native library was loaded from.
    public static Path nativeDirectory() {
        return NativeLibrary.directory();
    }

    /// Every backend module of the native folder, also those that this machine cannot use, with the reason.
    public static List<Backend> backends() {
        return Backend.parse(NativeDevices.backendReport());
    }

    /// The devices that a model can be placed on, in llama.cpp's order. Memory is read anew at each call.
    public static List<Device> devices() {
        return NativeDevices.list().stream().map(Device::of).toList();
    }

    /// How many native objects (models, contexts, samplers, templates) are open in this process: 0 when everything was closed.
    public static int openHandles() {
        return NativeLibrary.openHandles();
    }

    /// The CPU threads that 0 stands for in options: the usable physical cores.
    public static int defaultThreads() {
        return CpuTopology.usableCores();
    }

    /// The same where only some processors may be used.
    ///
    /// @param processors the system's numbers of them
    public static int defaultThreads(List<Integer> processors) {
        return CpuTopology.usableCores(processors);
    }

    /// Lets the calling thread, a platform thread, and the threads that compute for it run on these processors and no others: before it first decodes, as those
    /// threads are made then. Linux only. A [NumaStrategy] other than `DISABLED` takes the bond away with each decode.
    ///
    /// @param processors the system's numbers of them
    /// @throws IllegalArgumentException if this process may not use one of them, or there is none
    /// @throws IllegalStateException elsewhere than on Linux, or on a virtual thread, which has no processors of its own
    public static void bindThread(List<Integer> processors) {
        if (Thread.currentThread().isVirtual()) {
            throw new IllegalStateException("a virtual thread runs on the threads of all others");
        }
        NativeThreads.bind(processors.stream().mapToInt(Integer::intValue).toArray());
    }

    /// The CPU variant that was chosen for this machine, as in `haswell`; "" where the library was built with a single one.
    public static String cpuVariant() {
        return backends().stream().filter(Backend::loaded).map(Backend::file)
                .map(file -> file.replaceFirst("^(lib)?ggml-cpu-?", "\0").replaceFirst("\\.(so|dylib|dll).*$", ""))
                .filter(file -> file.startsWith("\0"))
                .map(file -> file.substring(1))
                .findFirst().orElse("");
    }
}
