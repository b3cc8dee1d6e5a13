package io.llatte.model;

import java.util.List;
import java.util.Optional;

/// A model that the catalog knows: what it is, what it takes, how its file is verified, and where it comes from.
///
/// @param id the name a user types, as in `gemma3-270m`
/// @param name the model's own name
/// @param family the model family, as in `gemma3`
/// @param parameters number of weights as people write it, as in `270M`
/// @param quantization the file's quantisation, as in `Q4_K_M`
/// @param file the file's name, of a split model the first part's
/// @param approximateSizeBytes what a download moves, all parts together; exact where there is a pin
/// @param pin the file's exact size and checksum; a file of the hub without one is verified with the hub's own
/// @param contextLength tokens the model was trained for
/// @param minimumMemoryBytes memory below which loading is not worth a try; 0 is replaced by [#minimumMemoryBytes(long)]
/// @param license the licence of the weights
/// @param chat how to converse with a model whose file carries no chat template
/// @param sources where to get the file, the first that works wins
public record CatalogModel(String id, String name, String family, String parameters, String quantization, String file,
                           long approximateSizeBytes, Optional<Pin> pin, int contextLength, long minimumMemoryBytes, String license,
                           Optional<ChatFormat> chat, List<ModelSource> sources) {

    /// What a file has to be.
    ///
    /// @param sizeBytes its exact size
    /// @param sha256 its checksum, 64 lower-case hexadecimal digits
    public record Pin(long sizeBytes, String sha256) {

        public Pin {
            checkSize(sizeBytes);
            checkSha256(sha256);
        }
    }

    public CatalogModel {
        if (!id.matches("[a-z0-9][a-z0-9._-]*")) {
            throw new IllegalArgumentException("not a model id of lower-case letters, digits, '.', '_' and '-': " + id);
        }
        checkFileName(file);
        approximateSizeBytes = pin.map(Pin::sizeBytes).orElse(approximateSizeBytes);
        checkSize(approximateSizeBytes);
        if (contextLength <= 0 || minimumMemoryBytes < 0) {
            throw new IllegalArgumentException("contextLength must be positive, minimumMemoryBytes not negative: %d, %d"
                    .formatted(contextLength, minimumMemoryBytes));
        }
        minimumMemoryBytes = minimumMemoryBytes == 0 ? minimumMemoryBytes(approximateSizeBytes) : minimumMemoryBytes;
        sources = List.copyOf(sources);
        if (sources.isEmpty()) {
            throw new IllegalArgumentException("model " + id + " has no source");
        }
        if (pin.isEmpty() && sources.stream().anyMatch(ModelSource.PythonPackages.class::isInstance)) {
            throw new IllegalArgumentException("model " + id + " comes in parts, so sizeBytes and sha256 of the whole are needed");
        }
    }

    /// The rule for models that say nothing of their own: the file, a quarter of it for a context of a few thousand tokens and the
    /// compute buffers, and 256 MiB for the process.
    public static long minimumMemoryBytes(long sizeBytes) {
        return sizeBytes + sizeBytes / 4 + (256L << 20);
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
