package io.llatte.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class ModelCatalogTest {

    @Test
    void builtIn_pinsItsDefaultModel() {
        CatalogModel model = ModelCatalog.builtIn().defaultModel();
        assertThat(model.id()).isEqualTo("gemma3-270m");
        assertThat(model.pin()).hasValueSatisfying(pin -> assertThat(pin.sizeBytes()).isEqualTo(253_113_024L));
        assertThat(model.chat()).hasValueSatisfying(chat -> assertThat(chat.template()).contains("messages"));
        assertThat(model.sources()).singleElement().isInstanceOfSatisfying(ModelSource.PythonPackages.class,
                packages -> assertThat(packages.chunks()).hasSize(4));
    }

    @Test
    void builtIn_isWellFormed() {
        Collection<CatalogModel> models = ModelCatalog.builtIn().models();
        assertThat(models).hasSizeBetween(12, 20).extracting(CatalogModel::family).contains("qwen3", "phi4", "llama3.2", "gemma3", "smollm3");
        assertThat(models).allSatisfy(model -> {
            assertThat(model.file()).endsWith(".gguf");
            assertThat(model.file().toLowerCase()).satisfiesAnyOf(file -> assertThat(file).contains(model.quantization().toLowerCase()),
                    file -> assertThat(file).isEqualTo("phi-3-mini-4k-instruct-q4.gguf"));
            assertThat(model.approximateSizeBytes()).isBetween(100_000_000L, 20_000_000_000L);
            assertThat(model.minimumMemoryBytes()).isGreaterThan(model.approximateSizeBytes());
            assertThat(model.contextLength()).isBetween(2048, 1 << 20);
            assertThat(model.license()).isNotBlank();
            assertThat(model.name()).isNotBlank();
            assertThat(model.parameters()).matches("[0-9.]+[MB]");
            assertThat(model.sources()).allSatisfy(source -> assertThat(source).isNotInstanceOf(ModelSource.Url.class));
        });
        assertThat(models).filteredOn(model -> model.pin().isEmpty())
                .allSatisfy(model -> assertThat(model.sources()).singleElement().isInstanceOf(ModelSource.Hub.class));
    }

    private static final String ENTRY = """
            {"id": "%s", "name": "Own", "family": "own", "parameters": "1B", "quantization": "Q8_0", "approximateSizeBytes": 1000,
             "contextLength": 4096, "license": "MIT", "sources": [{"type": "hub", "repository": "own/er", "file": "d/own-Q8_0.gguf"}]}""";

    private static ModelCatalog user(Path config) {
        var properties = new Properties();
        properties.putAll(Map.of("os.name", "Linux", "user.home", "/nowhere"));
        return ModelCatalog.user(properties, Map.of("XDG_CONFIG_HOME", config.toString()));
    }

    private static Path write(Path config, String json) throws IOException {
        Files.createDirectories(config.resolve("llatte"));
        return Files.writeString(config.resolve("llatte").resolve("catalog.json"), json);
    }

    @Test
    void userFile_addsReplacesAndChoosesTheDefault(@TempDir Path config) throws IOException {
        assertThat(user(config)).isSameAs(ModelCatalog.builtIn());
        Path file = write(config, "{\"models\": [" + ENTRY.formatted("own") + "," + ENTRY.formatted("qwen3-4b") + "]}");
        ModelCatalog catalog = user(config);
        assertThat(catalog.models()).hasSize(ModelCatalog.builtIn().models().size() + 1);
        assertThat(catalog.get("qwen3-4b").name()).isEqualTo("Own");
        assertThat(catalog.get("own").file()).isEqualTo("own-Q8_0.gguf");
        assertThat(catalog.get("own").minimumMemoryBytes()).isEqualTo(1000 + 250 + (256 << 20));
        assertThat(catalog.get("own").sources()).containsExactly(new ModelSource.Hub("own/er", "d/own-Q8_0.gguf", "main"));
        assertThat(catalog.defaultModel()).isEqualTo(ModelCatalog.builtIn().defaultModel());
        assertThat(ModelCatalog.read(file).models()).extracting(CatalogModel::id).containsExactly("own", "qwen3-4b");
        assertThat(ModelCatalog.builtIn().with(catalog.get("own")).find("own")).isPresent();

        write(config, "{\"default\": \"qwen3-8b\", \"models\": []}");
        assertThat(user(config).defaultModel().id()).isEqualTo("qwen3-8b");
    }

    @Test
    void userFile_mayBringItsChatTemplate(@TempDir Path config) throws IOException {
        write(config, "{\"models\": [" + ENTRY.formatted("own").replaceFirst("\\{",
                "{\"chat\": {\"template\": \"own.jinja\", \"stop\": [\"x\"]},") + "]}");
        Files.writeString(config.resolve("llatte/own.jinja"), "{{ messages }}");
        assertThat(user(config).get("own").chat()).contains(new ChatFormat("{{ messages }}", List.of("x")));
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "{", "[]", "{\"models\": {}}", "{\"models\": [{\"id\": \"own\"}]}", "{\"default\": \"none\", \"models\": []}"})
    void brokenUserFile_leavesTheBuiltIn(String json, @TempDir Path config) throws IOException {
        Path file = write(config, json);
        assertThat(user(config)).isSameAs(ModelCatalog.builtIn());
        assertThatThrownBy(() -> ModelCatalog.read(file)).isInstanceOf(IllegalArgumentException.class).hasMessageContaining(file.toString());
    }

    @Test
    void brokenEntry_isNamedWithItsReason(@TempDir Path config) throws IOException {
        for (String[] change : new String[][] {{"\"contextLength\": 4096", "\"contextLength\": \"long\"", "\"contextLength\" is no whole number"},
                {"\"type\": \"hub\"", "\"type\": \"ftp\"", "unknown source type ftp"},
                {"\"d/own-Q8_0.gguf\"", "\"../own.gguf\"", "not a file of a repository"},
                {"\"license\"", "\"sha256\": \"12\", \"sizeBytes\": 5, \"license\"", "not a SHA-256"}}) {
            Path file = write(config, "{\"models\": [" + ENTRY.formatted("own").replace(change[0], change[1]) + "]}");
            assertThatThrownBy(() -> ModelCatalog.read(file)).isInstanceOf(IllegalArgumentException.class)
                    .hasMessageContaining("model 1 (own): ").hasMessageContaining(change[2]);
        }
    }

    @Test
    void find_knowsDefaultAsAName() {
        ModelCatalog catalog = ModelCatalog.builtIn();
        assertThat(catalog.find("default")).contains(catalog.defaultModel());
        assertThat(catalog.find("no-such-model")).isEmpty();
    }

    @Test
    void of_refusesTwoModelsOfOneId() {
        CatalogModel model = ModelCatalog.builtIn().defaultModel();
        assertThatThrownBy(() -> ModelCatalog.of(List.of(model, model), model.id())).isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> ModelCatalog.of(List.of(model), "other")).isInstanceOf(IllegalArgumentException.class);
    }

    @Test
    void sources_refuseWhatCouldLeaveTheStore() {
        String sum = "0".repeat(64);
        assertThatThrownBy(() -> new ModelSource.Url(URI.create("file:///etc/passwd"))).isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> new ModelSource.Chunk("-rfile", "a", 1, sum)).isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> new ModelSource.Chunk("name", "../a", 1, sum)).isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> new ModelSource.Chunk("name", "a", 1, "abc")).isInstanceOf(IllegalArgumentException.class);
    }
}
