package io.llatte.model;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Properties;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// The models that can be asked for by id. Immutable.
public final class ModelCatalog {

    /// Stands for the default model wherever an id is taken.
    public static final String DEFAULT = "default";

    private static final Logger LOG = LoggerFactory.getLogger(ModelCatalog.class);

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

    /// The built-in catalog with what the user's `llatte/catalog.json` in the configuration folder adds, replaces and makes the default.
    /// A file that cannot be used is a warning in the log, and the built-in catalog is the answer.
    public static ModelCatalog user() {
        return user(System.getProperties(), System.getenv());
    }

    static ModelCatalog user(Properties properties, Map<String, String> environment) {
        Path file = StoreFolder.catalogFile(properties, environment);
        if (!Files.exists(file)) {
            return builtIn();
        }
        try {
            CatalogFile own = CatalogFile.read(file);
            ModelCatalog merged = builtIn().with(own.models());
            return own.defaultId().isPresent() ? merged.withDefault(own.defaultId().get()) : merged;
        } catch (IOException e) {
            LOG.warn("the model catalog {} cannot be read, going on with the built-in one: {}", file, e.toString());
        } catch (IllegalArgumentException e) {
            LOG.warn("going on with the built-in models alone, {} is of no use: {}", file, e.getMessage());
        }
        return builtIn();
    }

    /// The catalog of a file alone, in the format of docs/models.md. Its default is the one that it names, else its first model.
    ///
    /// @throws UncheckedIOException if the file cannot be read
    /// @throws IllegalArgumentException if it is no catalog or has no model, with the entry and the reason
    public static ModelCatalog read(Path file) {
        try {
            CatalogFile read = CatalogFile.read(file);
            return new ModelCatalog(read.models(), read.defaultId().or(() -> read.models().stream().map(CatalogModel::id).findFirst())
                    .orElseThrow(() -> new IllegalArgumentException("it has no model")));
        } catch (IOException e) {
            throw new UncheckedIOException("the model catalog " + file + " cannot be read", e);
        } catch (IllegalArgumentException e) {
            throw new IllegalArgumentException("the model catalog " + file + " is of no use: " + e.getMessage(), e);
        }
    }

    /// A catalog of one's own.
    ///
    /// @param defaultId the id of one of the models
    /// @throws IllegalArgumentException if two models share an id or the default is not among them
    public static ModelCatalog of(Collection<CatalogModel> models, String defaultId) {
        return new ModelCatalog(models, defaultId);
    }

    /// This catalog and more models; one with a known id takes that one's place. The default stays.
    ///
    /// @throws IllegalArgumentException if two of the new models share an id
    public ModelCatalog with(Collection<CatalogModel> more) {
        var byId = new LinkedHashMap<>(models);
        ModelCatalog checked = more.isEmpty() ? this : new ModelCatalog(more, more.iterator().next().id());
        byId.putAll(checked.models);
        return new ModelCatalog(byId.values(), defaultId);
    }

    /// As [#with(Collection)].
    public ModelCatalog with(CatalogModel... more) {
        return with(List.of(more));
    }

    /// This catalog with another default.
    ///
    /// @throws IllegalArgumentException if there is no such id
    public ModelCatalog withDefault(String id) {
        return new ModelCatalog(new ArrayList<>(models.values()), id);
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
            try {
                CatalogFile file = CatalogFile.builtIn();
                return new ModelCatalog(file.models(), file.defaultId().orElseThrow());
            } catch (IOException e) {
                throw new UncheckedIOException("the built-in model catalog cannot be read", e);
            }
        }
    }
}
