package io.llatte.demo.llm;

import io.llatte.model.CatalogModel;
import io.llatte.model.StoredModel;
import java.nio.file.Path;
import java.util.Optional;

/// A model that clients may name.
///
/// @param name what they call it
/// @param reference what the runtime calls it
/// @param file its file, where it is or will be
/// @param sizeBytes all parts of it together
/// @param present whether all of it is on this machine
/// @param known what the catalog knows of it
public record ServedModel(String name, String reference, Path file, long sizeBytes, boolean present, Optional<CatalogModel> known) {

    static ServedModel of(StoredModel model) {
        return new ServedModel(model.id(), model.model().isPresent() ? model.id() : model.path().toString(), model.path(), model.sizeBytes(),
                model.present(), model.model());
    }

    /// A model that the operator named by its file.
    static ServedModel of(Path file) {
        return new ServedModel(file.getFileName().toString(), file.toAbsolutePath().normalize().toString(), file, file.toFile().length(),
                file.toFile().isFile(), Optional.empty());
    }

    /// What people read.
    public String title() {
        return known.map(CatalogModel::name).orElse(name);
    }
}
