package io.llatte.internal.ffi;

import static java.nio.charset.StandardCharsets.UTF_8;

import io.llatte.BackendUnavailableException;
import io.llatte.bindings.LlamaCpp;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.net.URL;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/// Finds, loads, verifies and initialises the native library, once for the life of the process.
///
/// Searched in this order: `-Dllatte.native.path`, `LLATTE_NATIVE_PATH`, the `llatte-natives` package on the class path or module path.
public final class NativeLibrary {

    private static final String PATH_PROPERTY = "llatte.native.path";
    private static final String PATH_VARIABLE = "LLATTE_NATIVE_PATH";

    private static Path directory;
    private static RuntimeException failure;
    private static int numaStrategy;

    private NativeLibrary() {
    }

    /// Loads the library at the first call; later calls return, or throw the first call's failure again.
    public static synchronized void load() {
        if (directory != null) {
            return;
        }
        if (failure != null) {
            throw failure;
        }
        try {
            Path found = locate();
            loadCoreLibraries(found);
            AbiCheck.run();
            initialise(found);
            directory = found;
        } catch (RuntimeException e) {
            failure = e;
            throw e;
        }
    }

    /// The same, and says how the CPU backend is to treat the nodes of the machine's memory: it keeps to that for the life of the process.
    ///
    /// @param strategy a `ggml_numa_strategy`
    /// @return whether that is how it treats them; false where the library was loaded with another strategy before
    public static synchronized boolean load(int strategy) {
        boolean first = directory == null;
        load();
        if (first) {
            LlamaCpp.llama_numa_init(strategy);
            numaStrategy = strategy;
        }
        return numaStrategy == strategy;
    }

    /// The folder that the library was loaded from.
    public static Path directory() {
        load();
        return directory;
    }

    /// How many models, contexts, samplers, templates and GGUF headers are open in this process.
    public static int openHandles() {
        return NativeHandle.openCount();
    }

    private static Path locate() {
        NativePlatform platform = NativePlatform.current();
        List<String> tried = new ArrayList<>();
        for (Override given : overrides()) {
            Path folder = Path.of(given.value()).toAbsolutePath();
            // A path that was set and is wrong is never passed over for another.
            if (!Files.isRegularFile(folder.resolve(platform.shimFile()))) {
                throw new BackendUnavailableException(given.name() + " is " + folder + ", which has no " + platform.shimFile());
            }
            NativePackage.damage(folder).ifPresent(damage -> {
                throw new BackendUnavailableException(given.name() + " is " + folder + ", which is damaged: " + damage);
            });
            return folder;
        }
        tried.add("-D" + PATH_PROPERTY + " (not set)");
        tried.add(PATH_VARIABLE + " (not set)");
        URL manifest = NativePackage.find(platform);
        if (manifest != null) {
            return NativePackage.extract(manifest, cacheFolder());
        }
        tried.add("the class path and module path, for " + NativePackage.resourceFolder(platform));
        throw new BackendUnavailableException("No native library for " + platform.classifier() + ". Tried: " + String.join("; ", tried)
                + ". Add io.llatte:llatte-natives:" + platform.classifier() + " or set " + PATH_VARIABLE + " to an install folder.");
    }

    private record Override(String name, String value) {
    }

    private static Optional<Override> override(String name, String value) {
        return value == null || value.isBlank() ? Optional.empty() : Optional.of(new Override(name, value));
    }

    private static List<Override> overrides() {
        return override("the native library's path (-D" + PATH_PROPERTY + ", " + PATH_VARIABLE + ")", System.getProperty(PATH_PROPERTY))
                .or(() -> override(PATH_VARIABLE, System.getenv(PATH_VARIABLE)))
                .map(List::of)
                .orElse(List.of());
    }

    private static Path cacheFolder() {
        return override("", System.getProperty("llatte.native.cache"))
                .or(() -> override("", System.getenv("LLATTE_NATIVE_CACHE")))
                .map(given -> Path.of(given.value()))
                .or(() -> override("", System.getenv("XDG_CACHE_HOME")).filter(given -> Path.of(given.value()).isAbsolute())
                        .map(given -> Path.of(given.value(), "llatte", "natives")))
                .orElseGet(() -> Path.of(System.getProperty("user.home"), ".cache", "llatte", "natives"));
    }

    private static void loadCoreLibraries(Path folder) {
        for (String file : NativePlatform.current().coreLibraryFiles()) {
            Path library = folder.resolve(file);
            try {
                System.load(library.toString());
            } catch (UnsatisfiedLinkError e) {
                throw new BackendUnavailableException("Loading " + library + " failed: " + e.getMessage(), e);
            }
        }
    }

    private static void initialise(Path folder) {
        try (var scratch = Arena.ofConfined()) {
            MemorySegment error = NativeStatus.newError(scratch);
            NativeStatus.check(LlamaCpp.llatte_init(scratch.allocateFrom(folder.toString(), UTF_8), error), error,
                    "loading the backends in " + folder);
        }
        ProcessEnd.prepare();
        NativeLog.start();
    }
}
