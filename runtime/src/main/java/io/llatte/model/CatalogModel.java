package io.llatte.model;

import java.util.List;
import java.util.Optional;

/// A model that the catalog knows: what it is, how its file is verified, and where it comes from.
///
/// @param id the name a user types, as in `gemma3-270m`
/// @param name the model's own name
/// @param family the model family, as in `gemma3`
/// @param parameters number of weights as people write it, as in `270M`
/// @param quantization the file's quantisation, as in `Q4_K_M`
/// @param file the file's name in the store
/// @param sizeBytes the file's exact size
/// @param sha256 the file's checksum, 64 lower-case hexadecimal digits
/// @param contextLength tokens the model was trained for
/// @param license the licence of the weights
/// @param chat how to converse with a model whose file carries no chat template
/// @param sources where to get the file, the first that works wins
public record CatalogModel(String id, String name, String family, String parameters, String quantization, String file, long sizeBytes,
                           String sha256, int contextLength, String license, Optional<ChatFormat> chat,
                           List<ModelSource> sources) {

    public CatalogModel {
        if (!id.matches("[a-z0-9][a-z0-9._-]*")) {
            throw new IllegalArgumentException("not a model id: " + id);
        }
        checkFileName(file);
        checkSize(sizeBytes);
        checkSha256(sha256);
        sources = List.copyOf(sources);
        if (sources.isEmpty()) {
            throw new IllegalArgumentException("model " + id + " has no source");
        }
    }

    static void checkFileName(String file) {
        if (!file.matches("[A-Za-z0-9][A-Za-z0-9._-]*")) {
            throw new IllegalArgumentException("not a plain file name: " + file);
        }
    }

    static void checkSize(long sizeBytes) {
        if (sizeBytes <= 0) {
            throw new IllegalArgumentException("sizeBytes must be positive: " + sizeBytes);
        }
    }

    static void checkSha256(String sha256) {
        if (!sha256.matches("[0-9a-f]{64}")) {
            throw new IllegalArgumentException("not a SHA-256 checksum of 64 lower-case hexadecimal digits: " + sha256);
        }
    }
}
