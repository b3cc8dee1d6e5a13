package io.llatte.model;

import java.net.URI;
import java.util.List;
import java.util.Locale;

/// Where the bytes of a model file come from.
public sealed interface ModelSource {

    /// One file behind one address.
    ///
    /// @param uri an absolute `http:` or `https:` address
    record Url(URI uri) implements ModelSource {

        public Url {
            String scheme = uri.getScheme() == null ? "" : uri.getScheme().toLowerCase(Locale.ROOT);
            if (!scheme.equals("http") && !scheme.equals("https") || uri.getHost() == null) {
                throw new IllegalArgumentException("a source must be an http: or https: address: " + uri);
            }
        }
    }

    /// A file of a repository of the Hugging Face hub; of a split model the first part, the others come along.
    ///
    /// @param repository the repository, as in `Qwen/Qwen3-0.6B-GGUF`
    /// @param file the file's path inside the repository
    /// @param revision a branch, tag or commit
    record Hub(String repository, String file, String revision) implements ModelSource {

        public Hub {
            HubNames.checkRepository(repository);
            HubNames.checkFile(file);
            HubNames.checkRevision(revision);
        }
    }

    /// Python packages that each carry a part of the file, fetched by the user's own pip client with the user's own configuration.
    ///
    /// @param version the version of every package
    /// @param chunks the parts in the file's order
    record PythonPackages(String version, List<Chunk> chunks) implements ModelSource {

        public PythonPackages {
            if (!version.matches("[A-Za-z0-9.!+]+")) {
                throw new IllegalArgumentException("not a package version: " + version);
            }
            chunks = List.copyOf(chunks);
            if (chunks.isEmpty()) {
                throw new IllegalArgumentException("no chunks");
            }
        }

        /// Bytes that a download of all packages moves.
        public long sizeBytes() {
            return chunks.stream().mapToLong(Chunk::sizeBytes).sum();
        }
    }

    /// A package with one part of a model file.
    ///
    /// @param packageName the package
    /// @param file the name of the part inside the package, without its folder
    /// @param sizeBytes the size of the package's wheel
    /// @param sha256 the checksum of the package's wheel, 64 lower-case hexadecimal digits
    record Chunk(String packageName, String file, long sizeBytes, String sha256) {

        public Chunk {
            if (!packageName.matches("[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?")) {
                throw new IllegalArgumentException("not a package name: " + packageName);
            }
            CatalogModel.checkFileName(file);
            CatalogModel.checkSize(sizeBytes);
            CatalogModel.checkSha256(sha256);
        }
    }
}
