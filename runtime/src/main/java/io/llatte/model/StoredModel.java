package io.llatte.model;

import java.nio.file.Path;
import java.util.Optional;

/// A model file that the store has or could have.
///
/// @param id the catalog's id, or the file's name where the catalog does not know it
/// @param path where the file is, or will be
/// @param sizeBytes the file's size
/// @param present whether the file is there, whole and verified when it came
/// @param model what the catalog knows of it
public record StoredModel(String id, Path path, long sizeBytes, boolean present, Optional<CatalogModel> model) {
}
