package io.llatte.model;

import java.nio.file.Path;
import java.util.List;
import java.util.Optional;

/// A model that the store has or could have.
///
/// @param id what the store finds it by: the catalog's id, else the name of its file
/// @param path the file to load, where it is or will be; of a split model the first part
/// @param files every part in order, `path` first
/// @param sizeBytes all parts together
/// @param present whether all of it is there, whole, and verified when it came
/// @param model what the catalog knows of it
public record StoredModel(String id, Path path, List<Path> files, long sizeBytes, boolean present, Optional<CatalogModel> model) {

    public StoredModel {
        files = List.copyOf(files);
        if (files.isEmpty() || !files.getFirst().equals(path)) {
            throw new IllegalArgumentException("the files of " + id + " do not begin with " + path);
        }
    }
}
