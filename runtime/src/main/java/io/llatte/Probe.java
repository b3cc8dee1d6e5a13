package io.llatte;

import io.llatte.llama.Backend;
import io.llatte.llama.Llama;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// What the machine has, looked at once for the life of the process. It only informs: a load tries what can work, and says itself what does
/// not.
final class Probe {

    private static final Logger LOG = LoggerFactory.getLogger(Probe.class);

    private static final RuntimeInfo.Limits LIMITS = new RuntimeInfo.Limits(256, 512, 16);

    private static final Map<String, String> PRESETS = new TreeMap<>(Map.of("CUDA", "cuda", "Metal", "metal", "Vulkan", "vulkan", "RPC", "cpu"));

    private static volatile boolean done;

    private Probe() {
    }

    /// Whether nobody has looked yet.
    static boolean isDue() {
        return !done;
    }

    /// Initialised at first need, by the class loader's own lock.
    private static final class Once {
        static final Optional<LlatteException> FAILURE = load();

        private static Optional<LlatteException> load() {
            try {
                done = true;
                Llama.load();
                LOG.debug("backends: {}", Llama.backends());
                return Optional.empty();
            } catch (LlatteException e) {
                LOG.warn("no native library: {}", e.getMessage());
                return Optional.of(e);
            }
        }
    }

    /// Why the native library cannot be used, if so.
    static Optional<LlatteException> failure() {
        return Once.FAILURE;
    }

    /// The cached probe, with the memory that is free now.
    static RuntimeInfo info() {
        if (failure().isPresent()) {
            return new RuntimeInfo(List.of(), List.of(), Map.of(), Optional.empty(), "", Optional.empty(), LIMITS, failure());
        }
        List<Backend> backends = Llama.backends();
        return new RuntimeInfo(Llama.devices(), backends, absent(backends), Optional.of(Llama.versions()), Llama.cpuVariant(),
                Optional.of(Llama.nativeDirectory()), LIMITS, Optional.empty());
    }

    private static Map<String, String> absent(List<Backend> backends) {
        var absent = new TreeMap<String, String>();
        PRESETS.forEach((name, preset) -> {
            String file = name.toLowerCase(Locale.ROOT);
            boolean there = backends.stream().anyMatch(backend -> backend.name().equalsIgnoreCase(name)
                    || backend.file().toLowerCase(Locale.ROOT).contains("ggml-" + file));
            if (!there) {
                absent.put(name, "no module in " + Llama.nativeDirectory() + "; the preset " + preset + " builds it");
            }
        });
        return absent;
    }
}
