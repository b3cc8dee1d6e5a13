package io.llatte.model;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.util.Map;
import java.util.Properties;
import org.junit.jupiter.api.Test;

class StoreFolderTest {

    private static Path folder(String system, String property, Map<String, String> environment) {
        var properties = new Properties();
        properties.setProperty("user.home", "/home/u");
        properties.setProperty("os.name", system);
        properties.setProperty("llatte.models", property);
        return StoreFolder.of(properties, environment);
    }

    @Test
    void theUsersWord_comesFirst() {
        assertThat(folder("Linux", "/p", Map.of("LLATTE_MODELS", "/e"))).isEqualTo(Path.of("/p"));
        assertThat(folder("Linux", "", Map.of("LLATTE_MODELS", "/e", "XDG_CACHE_HOME", "/x"))).isEqualTo(Path.of("/e"));
    }

    @Test
    void otherwise_itIsTheSystemsCacheFolder() {
        assertThat(folder("Linux", "", Map.of("XDG_CACHE_HOME", "/x"))).isEqualTo(Path.of("/x/llatte/models"));
        assertThat(folder("Linux", "", Map.of("XDG_CACHE_HOME", "x"))).isEqualTo(Path.of("/home/u/.cache/llatte/models"));
        assertThat(folder("Linux", "", Map.of())).isEqualTo(Path.of("/home/u/.cache/llatte/models"));
        assertThat(folder("Mac OS X", "", Map.of())).isEqualTo(Path.of("/home/u/Library/Caches/llatte/models"));
        assertThat(folder("Windows 11", "", Map.of("LOCALAPPDATA", "/local"))).isEqualTo(Path.of("/local/llatte/models"));
    }

    private static Path catalog(String system, Map<String, String> environment) {
        var properties = new Properties();
        properties.setProperty("user.home", "/home/u");
        properties.setProperty("os.name", system);
        return StoreFolder.catalogFile(properties, environment);
    }

    @Test
    void theUsersCatalog_isInTheSystemsConfigurationFolder() {
        assertThat(catalog("Linux", Map.of("XDG_CONFIG_HOME", "/x"))).isEqualTo(Path.of("/x/llatte/catalog.json"));
        assertThat(catalog("Linux", Map.of("XDG_CONFIG_HOME", "x"))).isEqualTo(Path.of("/home/u/.config/llatte/catalog.json"));
        assertThat(catalog("Mac OS X", Map.of())).isEqualTo(Path.of("/home/u/Library/Application Support/llatte/catalog.json"));
        assertThat(catalog("Windows 11", Map.of("APPDATA", "/roaming"))).isEqualTo(Path.of("/roaming/llatte/catalog.json"));
    }
}
