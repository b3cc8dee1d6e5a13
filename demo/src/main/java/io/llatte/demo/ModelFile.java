package io.llatte.demo;

import io.llatte.model.CatalogModel;
import io.llatte.model.ModelStore;
import java.nio.file.Path;
import java.util.Optional;

/// A model that the user named, as a file on this machine.
///
/// @param id the catalog's id, or the file's name
/// @param path the file
/// @param known what the catalog knows of it
record ModelFile(String id, Path path, Optional<CatalogModel> known) {

    /// Finds what the user means, and downloads it if it is a model of the catalog that is not there yet.
    ///
    /// @throws CommandException if there is no such id and no such file
    static ModelFile get(String reference, ModelStore store) {
        Optional<Path> file = store.find(reference);
        Optional<CatalogModel> named = store.catalog().find(reference);
        if (file.isEmpty() && named.isPresent()) {
            file = Optional.of(pull(named.get().id(), store));
        }
        Path path = file.orElseThrow(() -> new CommandException("there is no model and no file %s; known models: %s".formatted(reference,
                String.join(", ", store.catalog().models().stream().map(CatalogModel::id).toList()))));
        Optional<CatalogModel> known = named.or(() -> byFileName(path, store));
        return new ModelFile(named.map(CatalogModel::id).orElse(path.getFileName().toString()), path, known);
    }

    static Path pull(String id, ModelStore store) {
        try (var progress = new ProgressLine()) {
            return store.pull(id, progress::download);
        }
    }

    private static Optional<CatalogModel> byFileName(Path path, ModelStore store) {
        return store.catalog().models().stream().filter(model -> path.endsWith(model.file())).findFirst();
    }
}
