package io.llatte.model;

import java.nio.file.Path;
import java.util.Locale;
import java.util.Map;
import java.util.Properties;

/// Where the user's model files and catalog belong on this operating system.
final class StoreFolder {

    private StoreFolder() {
    }

    static Path of(Properties properties, Map<String, String> environment) {
        String named = properties.getProperty("llatte.models", "");
        if (named.isBlank()) {
            named = environment.getOrDefault("LLATTE_MODELS", "");
        }
        return named.isBlank() ? cacheFolder(properties, environment).resolve("llatte").resolve("models") : Path.of(named);
    }

    private static Path cacheFolder(Properties properties, Map<String, String> environment) {
        Path home = Path.of(properties.getProperty("user.home"));
        String system = properties.getProperty("os.name").toLowerCase(Locale.ROOT);
        if (system.startsWith("windows")) {
            String local = environment.getOrDefault("LOCALAPPDATA", "");
            return local.isBlank() ? home.resolve("AppData").resolve("Local") : Path.of(local);
        }
        if (system.startsWith("mac")) {
            return home.resolve("Library").resolve("Caches");
        }
        String cache = environment.getOrDefault("XDG_CACHE_HOME", "");
        return cache.startsWith("/") ? Path.of(cache) : home.resolve(".cache");     // a relative one is to be ignored
    }

    /// The user's own catalog, there or not.
    static Path catalogFile(Properties properties, Map<String, String> environment) {
        return configFolder(properties, environment).resolve("llatte").resolve("catalog.json");
    }

    private static Path configFolder(Properties properties, Map<String, String> environment) {
        Path home = Path.of(properties.getProperty("user.home"));
        String system = properties.getProperty("os.name").toLowerCase(Locale.ROOT);
        if (system.startsWith("windows")) {
            String roaming = environment.getOrDefault("APPDATA", "");
            return roaming.isBlank() ? home.resolve("AppData").resolve("Roaming") : Path.of(roaming);
        }
        if (system.startsWith("mac")) {
            return home.resolve("Library").resolve("Application Support");
        }
        String config = environment.getOrDefault("XDG_CONFIG_HOME", "");
        return config.startsWith("/") ? Path.of(config) : home.resolve(".config");
    }
}
