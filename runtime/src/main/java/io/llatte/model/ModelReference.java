package io.llatte.model;

import java.net.URI;
import java.nio.file.FileSystemNotFoundException;
import java.nio.file.Path;
import java.util.Objects;
import java.util.Optional;

/// How a user names a model. [ModelStore#find] and [ModelStore#pull] say what each form leads to.
public sealed interface ModelReference {

    /// A file of the Hugging Face hub, `hf:owner/repository[@revision][:file|:quantisation]`.
    ///
    /// With neither file nor quantisation it is llama.cpp's choice: Q4_K_M, else Q8_0, else the first model of the repository.
    ///
    /// @param repository the repository, as in `Qwen/Qwen3-0.6B-GGUF`
    /// @param revision a branch, tag or commit; `main` by default
    /// @param file the file's path inside the repository, which ends in `.gguf`
    /// @param quantization what the file's name has to contain, in any case; empty where there is a file
    record Hub(String repository, String revision, Optional<String> file, Optional<String> quantization) implements ModelReference {

        public Hub {
            HubNames.checkRepository(repository);
            HubNames.checkRevision(revision);
            file.ifPresent(HubNames::checkFile);
            if (file.isPresent() && quantization.isPresent() || quantization.filter(q -> !q.matches("[\\w.-]+")).isPresent()) {
                throw new IllegalArgumentException("not a file and not a quantisation: " + quantization.get());
            }
        }

        static Hub of(ModelSource.Hub source) {
            return new Hub(source.repository(), source.revision(), Optional.of(source.file()), Optional.empty());
        }

        /// As it is written.
        @Override
        public String toString() {
            return "hf:" + repository + (revision.equals(HubNames.DEFAULT_REVISION) ? "" : "@" + revision)
                    + file.or(() -> quantization).map(":"::concat).orElse("");
        }
    }

    /// A file behind an `http:` or `https:` address.
    ///
    /// @param uri the address; what follows `?` is sent but does not tell two files apart
    record Url(URI uri) implements ModelReference {

        public Url {
            new ModelSource.Url(uri);
        }
    }

    /// A file of this machine: a `file:` URI or a path with a separator. `~` is not expanded.
    ///
    /// @param path as written; where a relative one does not exist it is looked for in the store's folder
    record LocalFile(Path path) implements ModelReference {

        public LocalFile {
            Objects.requireNonNull(path, "path");
        }
    }

    /// A word: an id of the catalog, else a file of the working directory, else a file of the store's folder.
    ///
    /// @param name the word
    record Name(String name) implements ModelReference {

        public Name {
            Objects.requireNonNull(name, "name");
        }
    }

    /// The forms, for messages and help texts.
    String FORMS = "a catalog id, a path, hf:owner/repository[@revision][:file.gguf|:quantisation], an https: or http: address, or a file: URI";

    /// Reads what a user wrote. An address of a file on the hub's own site becomes a [Hub] reference, which has a checksum.
    ///
    /// @throws IllegalArgumentException if it has none of the forms
    static ModelReference parse(String text) {
        try {
            return ReferenceParser.parse(text.strip());
        } catch (IllegalArgumentException | FileSystemNotFoundException e) {
            throw new IllegalArgumentException("%s is no model reference (%s); it is %s".formatted(
                    text.isBlank() ? "an empty text" : "\"" + text + "\"", e.getMessage(), FORMS), e);
        }
    }
}
