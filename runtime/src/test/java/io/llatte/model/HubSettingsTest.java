package io.llatte.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.llatte.DownloadException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.Properties;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class HubSettingsTest {

    @TempDir
    private Path folder;

    private static HubSettings settings(Map<String, String> environment) {
        var properties = new Properties();
        properties.setProperty("user.home", "/home/u");
        return new HubSettings(properties, environment);
    }

    @Test
    void cache_isWhereTheHubsLibraryHasIt() {
        assertThat(settings(Map.of("HF_HUB_CACHE", "/c", "HF_HOME", "/h")).cache()).isEqualTo(Path.of("/c"));
        assertThat(settings(Map.of("HF_HOME", "~/h", "XDG_CACHE_HOME", "/x")).cache()).isEqualTo(Path.of("/home/u/h/hub"));
        assertThat(settings(Map.of("XDG_CACHE_HOME", "/x")).cache()).isEqualTo(Path.of("/x/huggingface/hub"));
        assertThat(settings(Map.of("HF_HOME", "")).cache()).isEqualTo(Path.of("/home/u/.cache/huggingface/hub"));
    }

    @Test
    void endpoint_hasNoSlashAtItsEnd() {
        assertThat(settings(Map.of("HF_ENDPOINT", "http://hub.example/")).endpoint()).hasToString("http://hub.example");
        assertThat(settings(Map.of()).endpoint()).hasToString("https://huggingface.co");
        assertThatThrownBy(() -> settings(Map.of("HF_ENDPOINT", "hub.example")).endpoint()).isInstanceOf(DownloadException.class)
                .hasMessageContaining("HF_ENDPOINT").hasMessageContaining("hub.example");
    }

    @Test
    void token_ofTheEnvironmentComesBeforeTheFile() throws Exception {
        Path file = Files.writeString(folder.resolve("token"), " hf_file\n");
        assertThat(settings(Map.of("HF_HOME", folder.toString())).token()).contains("hf_file");
        assertThat(settings(Map.of("HF_TOKEN_PATH", file.toString(), "HF_TOKEN", "hf_variable")).token()).contains("hf_variable");
        assertThat(settings(Map.of("HF_HOME", "/nowhere")).token()).isEmpty();
        assertThat(settings(Map.of("HF_TOKEN", "hf_\nsecret")).token()).as("what no header can have").isEmpty();
    }
}
