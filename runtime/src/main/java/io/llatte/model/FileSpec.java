package io.llatte.model;

import java.util.Optional;
import java.util.OptionalLong;

/// What is known of a file before it is here.
///
/// @param name how messages call it
/// @param sizeBytes its exact size, where somebody has said it
/// @param sha256 its checksum, where somebody has said it
record FileSpec(String name, OptionalLong sizeBytes, Optional<String> sha256) {

    static FileSpec of(CatalogModel model) {
        return new FileSpec(model.file(), model.pin().map(pin -> OptionalLong.of(pin.sizeBytes())).orElse(OptionalLong.empty()),
                model.pin().map(CatalogModel.Pin::sha256));
    }

    static FileSpec unknown(String name) {
        return new FileSpec(name, OptionalLong.empty(), Optional.empty());
    }

    /// The size, or 0 where nobody has said it, as progress reports have it.
    long totalBytes() {
        return sizeBytes.orElse(0);
    }

    FileSpec withSize(long bytes) {
        return new FileSpec(name, OptionalLong.of(bytes), sha256);
    }
}
