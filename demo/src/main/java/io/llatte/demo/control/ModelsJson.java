package io.llatte.demo.control;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.llatte.demo.llm.ServedModel;
import io.llatte.demo.llm.ServedModels;
import io.llatte.model.CatalogModel;
import java.util.Optional;

/// The models that can be chosen.
final class ModelsJson {

    private ModelsJson() {
    }

    /// @param defaultId the catalog's default model
    static ObjectNode of(ServedModels served, String defaultId) {
        ObjectNode root = JsonNodeFactory.instance.objectNode();
        ArrayNode array = root.putArray("models");
        Optional<String> loaded = served.loaded();
        for (ServedModel model : served.list()) {
            Optional<CatalogModel> known = model.known();
            ObjectNode node = array.addObject().put("id", model.name()).put("name", model.title());
            node.put("family", known.map(CatalogModel::family).orElse(null)).put("parameters", known.map(CatalogModel::parameters).orElse(null))
                    .put("quantization", known.map(CatalogModel::quantization).orElse(null)).put("sizeBytes", model.sizeBytes())
                    .put("present", model.present()).put("contextLength", known.map(CatalogModel::contextLength).orElse(null))
                    .put("license", known.map(CatalogModel::license).orElse(null)).put("loaded", loaded.filter(model.name()::equals).isPresent())
                    .put("default", model.name().equals(defaultId));
        }
        return root;
    }
}
