package io.llatte.engine;

import io.llatte.model.ChatFormat;
import java.nio.file.Path;
import java.util.Objects;
import java.util.Optional;

/// A model to load.
///
/// @param id what the application calls it
/// @param path the GGUF file, the first where there are several
/// @param chatFormat how to converse with it where the file does not say
public record ModelFile(String id, Path path, Optional<ChatFormat> chatFormat) {

    public ModelFile {
        Objects.requireNonNull(id, "id");
        Objects.requireNonNull(path, "path");
        Objects.requireNonNull(chatFormat, "chatFormat");
    }
}
