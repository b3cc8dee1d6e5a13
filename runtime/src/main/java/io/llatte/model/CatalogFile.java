package io.llatte.model;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.io.InputStream;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.stream.StreamSupport;

/// A catalog as JSON; docs/models.md describes the format.
///
/// @param models its models in order
/// @param defaultId the default that it names
record CatalogFile(List<CatalogModel> models, Optional<String> defaultId) {

    /// Finds a chat template by the name that a catalog gives it.
    private interface Templates {
        String read(String name) throws IOException;
    }

    /// @throws IllegalArgumentException if it is no catalog, with the entry and the reason
    static CatalogFile builtIn() throws IOException {
        try (InputStream in = CatalogFile.class.getResourceAsStream("catalog.json")) {
            return parse(in.readAllBytes(), CatalogFile::builtInTemplate);
        }
    }

    /// @throws IllegalArgumentException if it is no catalog, with the entry and the reason
    static CatalogFile read(Path file) throws IOException {
        return parse(Files.readAllBytes(file), name -> {
            Path template = file.resolveSibling(name);
            return Files.isRegularFile(template) ? Files.readString(template) : builtInTemplate(name);
        });
    }

    private static String builtInTemplate(String name) throws IOException {
        try (InputStream in = CatalogFile.class.getResourceAsStream("templates/" + name)) {
            if (in == null) {
                throw new IllegalArgumentException("there is no chat template " + name);
            }
            return new String(in.readAllBytes(), StandardCharsets.UTF_8);
        }
    }

    private static CatalogFile parse(byte[] json, Templates templates) throws IOException {
        JsonNode root;
        try {
            root = new ObjectMapper().readTree(json);
        } catch (JsonProcessingException e) {
            throw new IllegalArgumentException("no JSON, line %d: %s".formatted(
                    e.getLocation() == null ? 1 : e.getLocation().getLineNr(), e.getOriginalMessage().replaceFirst(" \\(.*", "")), e);
        }
        var models = new ArrayList<CatalogModel>();
        for (JsonNode node : list(root, "models")) {
            try {
                models.add(model(node, templates));
            } catch (IllegalArgumentException e) {
                throw new IllegalArgumentException("model %d (%s): %s".formatted(models.size() + 1, node.path("id").asText("without id"),
                        e.getMessage()), e);
            }
        }
        return new CatalogFile(List.copyOf(models), Optional.ofNullable(root.get("default")).map(JsonNode::asText));
    }

    private static CatalogModel model(JsonNode node, Templates templates) throws IOException {
        List<ModelSource> sources = list(node, "sources").stream().map(CatalogFile::source).toList();
        Optional<CatalogModel.Pin> pin = node.has("sha256") || node.has("sizeBytes")
                ? Optional.of(new CatalogModel.Pin(number(node, "sizeBytes"), text(node, "sha256"))) : Optional.empty();
        JsonNode chat = node.get("chat");
        return new CatalogModel(text(node, "id"), text(node, "name"), text(node, "family"), text(node, "parameters"),
                text(node, "quantization"), file(node, sources), pin.isPresent() ? pin.get().sizeBytes() : number(node, "approximateSizeBytes"),
                pin, Math.toIntExact(number(node, "contextLength")), node.path("minimumMemoryBytes").asLong(), text(node, "license"),
                chat == null ? Optional.empty() : Optional.of(new ChatFormat(templates.read(text(chat, "template")), texts(chat, "stop"))),
                sources);
    }

    /// A file of the hub has a name already.
    private static String file(JsonNode node, List<ModelSource> sources) {
        return !node.has("file") && !sources.isEmpty() && sources.getFirst() instanceof ModelSource.Hub hub
                ? HubNames.lastName(hub.file()) : text(node, "file");
    }

    private static ModelSource source(JsonNode node) {
        return switch (text(node, "type")) {
            case "hub" -> new ModelSource.Hub(text(node, "repository"), text(node, "file"),
                    node.path("revision").asText(HubNames.DEFAULT_REVISION));
            case "url" -> new ModelSource.Url(URI.create(text(node, "url")));
            case "python-packages" -> new ModelSource.PythonPackages(text(node, "version"),
                    list(node, "chunks").stream().map(CatalogFile::chunk).toList());
            default -> throw new IllegalArgumentException("unknown source type " + text(node, "type"));
        };
    }

    private static ModelSource.Chunk chunk(JsonNode node) {
        return new ModelSource.Chunk(text(node, "package"), text(node, "file"), number(node, "sizeBytes"), text(node, "sha256"));
    }

    private static List<JsonNode> list(JsonNode node, String key) {
        JsonNode value = required(node, key);
        if (!value.isArray()) {
            throw new IllegalArgumentException("\"" + key + "\" is no list");
        }
        return StreamSupport.stream(value.spliterator(), false).toList();
    }

    private static List<String> texts(JsonNode node, String key) {
        return list(node, key).stream().map(JsonNode::asText).toList();
    }

    private static String text(JsonNode node, String key) {
        JsonNode value = required(node, key);
        if (!value.isTextual() || value.asText().isBlank()) {
            throw new IllegalArgumentException("\"" + key + "\" is no text");
        }
        return value.asText();
    }

    private static long number(JsonNode node, String key) {
        JsonNode value = required(node, key);
        if (!value.canConvertToLong()) {
            throw new IllegalArgumentException("\"" + key + "\" is no whole number");
        }
        return value.asLong();
    }

    private static JsonNode required(JsonNode node, String key) {
        JsonNode value = node.get(key);
        if (value == null || value.isNull()) {
            throw new IllegalArgumentException("\"" + key + "\" is missing");
        }
        return value;
    }
}
