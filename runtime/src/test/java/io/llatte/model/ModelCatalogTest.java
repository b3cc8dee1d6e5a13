package io.llatte.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.net.URI;
import java.util.List;
import org.junit.jupiter.api.Test;

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
