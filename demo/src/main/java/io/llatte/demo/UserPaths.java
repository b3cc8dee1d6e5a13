package io.llatte.demo;

import java.nio.file.Path;
import java.util.Map;

/// Where the command keeps what is neither a model nor a build.
final class UserPaths {

    private UserPaths() {
    }

    /// The chat's input history.
    static Path history() {
        return history(System.getProperty("os.name"), Path.of(System.getProperty("user.home")), System.getenv());
    }

    /// Models of random weights, which can be made again.
    static Path syntheticModels() {
        String home = System.getProperty("user.home");
        if (System.getProperty("os.name").startsWith("Windows")) {
            return Path.of(System.getenv().getOrDefault("LOCALAPPDATA", home), "llatte", "synthetic");
        }
        String cache = System.getenv().getOrDefault("XDG_CACHE_HOME", "");
        return (cache.startsWith("/") ? Path.of(cache) : Path.of(home, ".cache")).resolve("llatte").resolve("synthetic");
    }

    static Path history(String system, Path home, Map<String, String> environment) {
        if (system.startsWith("Windows")) {
            String local = environment.getOrDefault("LOCALAPPDATA", "");
            return (local.isBlank() ? home.resolve("AppData").resolve("Local") : Path.of(local)).resolve("llatte").resolve("history");
        }
        String state = environment.getOrDefault("XDG_STATE_HOME", "");
        Path folder = state.startsWith("/") ? Path.of(state) : home.resolve(".local").resolve("state");
        return folder.resolve("llatte").resolve("history");
    }
}
