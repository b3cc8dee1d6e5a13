package io.llatte.demo;

import io.llatte.model.CatalogModel;
import io.llatte.model.ModelReference;
import io.llatte.model.ModelStore;
import io.llatte.model.StoredModel;
import java.nio.file.Path;
import java.util.Optional;

/// A model that the user named, as a file on this machine.
///
/// @param id the catalog's id, or the file's name
/// @param path the file
/// @param known what the catalog knows of it
record ModelFile(String id, Path path, Optional<CatalogModel> known) {

    /// Finds what the user means, and downloads it if it is not there yet and can be.
    ///
    /// @throws CommandException if there is no such id and no such file
    static ModelFile get(String reference, ModelStore store) {
        StoredModel model = store.find(reference).orElseGet(() -> {
            boolean isLocal = switch (ModelReference.parse(reference)) {
                case ModelReference.Hub _, ModelReference.Url _ -> false;
                case ModelReference.LocalFile _, ModelReference.Name _ -> store.catalog().find(reference).isEmpty();
            };
            if (isLocal) {
                throw new CommandException("there is no model and no file %s; known models: %s".formatted(reference,
                        String.join(", ", store.catalog().models().stream().map(CatalogModel::id).toList())));
            }
            return pull(reference, store);
        });
        return new ModelFile(model.id(), model.path(), model.model());
    }

    static StoredModel pull(String reference, ModelStore store) {
        try (var progress = new ProgressLine()) {
            return store.pull(reference, progress::download);
        }
    }
}
