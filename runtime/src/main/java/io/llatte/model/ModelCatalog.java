package io.llatte.model;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.StreamSupport;

/// The models that can be asked for by id. Immutable.
public final class ModelCatalog {

    /// Stands for the default model wherever an id is taken.
    public static final String DEFAULT = "default";

    private final Map<String, CatalogModel> models;
    private final String defaultId;

    private ModelCatalog(Collection<CatalogModel> models, String defaultId) {
        var byId = new LinkedHashMap<String, CatalogModel>();
        for (CatalogModel model : models) {
            if (model.id().equals(DEFAULT) || byId.put(model.id(), model) != null) {
                throw new IllegalArgumentException("the id " + model.id() + " is taken");
            }
        }
        if (!byId.containsKey(defaultId)) {
            throw new IllegalArgumentException("the default model " + defaultId + " is not one of " + byId.keySet());
        }
        this.models = Collections.unmodifiableMap(byId);
        this.defaultId = defaultId;
    }

    /// The catalog that comes with the library.
    public static ModelCatalog builtIn() {
        return BuiltIn.CATALOG;
    }

    /// A catalog of one's own.
    ///
    /// @param defaultId the id of one of the models
    /// @throws IllegalArgumentException if two models share an id or the default is not among them
    public static ModelCatalog of(Collection<CatalogModel> models, String defaultId) {
        return new ModelCatalog(models, defaultId);
    }

    /// Every model, in the catalog's order.
    public Collection<CatalogModel> models() {
        return models.values();
    }

    /// The model that is used where none is named.
    public CatalogModel defaultModel() {
        return models.get(defaultId);
    }

    /// The model of that id; `default` is the default one.
    public Optional<CatalogModel> find(String id) {
        return Optional.ofNullable(models.get(id.equals(DEFAULT) ? defaultId : id));
    }

    /// As [#find], for an id that has to exist.
    ///
    /// @throws IllegalArgumentException if it does not, with the ids that do
    public CatalogModel get(String id) {
        return find(id).orElseThrow(() ->
                new IllegalArgumentException("no model " + id + " in the catalog; there is: " + String.join(", ", models.keySet())));
    }

    private static final class BuiltIn {
        static final ModelCatalog CATALOG = read();

        private static ModelCatalog read() {
            try (InputStream in = ModelCatalog.class.getResourceAsStream("catalog.json")) {
                JsonNode root = new ObjectMapper().readTree(in);
                var models = new ArrayList<CatalogModel>();
                for (JsonNode node : required(root, "models")) {
                    models.add(model(node));
                }
                return new ModelCatalog(models, required(root, "default").asText());
            } catch (IOException e) {
                throw new UncheckedIOException("the built-in model catalog cannot be read", e);
            }
        }

        private static CatalogModel model(JsonNode node) {
            List<ModelSource> sources = StreamSupport.stream(required(node, "sources").spliterator(), false).map(BuiltIn::source).toList();
            return new CatalogModel(text(node, "id"), text(node, "name"), text(node, "family"), text(node, "parameters"),
                    text(node, "quantization"), text(node, "file"), required(node, "sizeBytes").asLong(), text(node, "sha256"),
                    required(node, "contextLength").asInt(), text(node, "license"),
                    Optional.ofNullable(node.get("chat")).map(BuiltIn::chat), sources);
        }

        private static ChatFormat chat(JsonNode node) {
            return new ChatFormat(template(text(node, "template")),
                    StreamSupport.stream(required(node, "stop").spliterator(), false).map(JsonNode::asText).toList());
        }

        private static ModelSource source(JsonNode node) {
            return switch (text(node, "type")) {
                case "url" -> new ModelSource.Url(URI.create(text(node, "url")));
                case "python-packages" -> new ModelSource.PythonPackages(text(node, "version"),
                        StreamSupport.stream(required(node, "chunks").spliterator(), false).map(BuiltIn::chunk).toList());
                default -> throw new IllegalArgumentException("unknown source type " + text(node, "type"));
            };
        }

        private static ModelSource.Chunk chunk(JsonNode node) {
            return new ModelSource.Chunk(text(node, "package"), text(node, "file"), required(node, "sizeBytes").asLong(),
                    text(node, "sha256"));
        }

        private static String template(String name) {
            try (InputStream in = ModelCatalog.class.getResourceAsStream("templates/" + name)) {
                return new String(in.readAllBytes(), StandardCharsets.UTF_8);
            } catch (IOException e) {
                throw new UncheckedIOException("the built-in chat template " + name + " cannot be read", e);
            }
        }

        private static String text(JsonNode node, String key) {
            return required(node, key).asText();
        }

        private static JsonNode required(JsonNode node, String key) {
            JsonNode value = node.get(key);
            if (value == null || value.isNull()) {
                throw new IllegalArgumentException("the catalog lacks \"" + key + "\" in " + node);
            }
            return value;
        }
    }
}
