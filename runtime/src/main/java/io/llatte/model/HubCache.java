package io.llatte.model;

import io.llatte.DownloadException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// The hub's cache on this machine, in the layout of the hub's own library:
///
/// ```
/// models--owner--name/refs/main                 the commit that the branch had
///                     snapshots/<commit>/<file> a relative link to the blob
///                     blobs/<etag>              the bytes
/// ```
///
/// Nothing here touches the network.
final class HubCache {

    private static final Logger LOG = LoggerFactory.getLogger(HubCache.class);
    private static final String PREFIX = "models--";

    /// Not the library's own `.incomplete`: versions of it that append to that name lock it in a way that Java cannot see.
    private static final String INCOMPLETE = ".llatte.incomplete";

    private final Path folder;

    HubCache(Path folder) {
        this.folder = folder;
    }

    Path folder() {
        return folder;
    }

    private Path repository(String repository) {
        return folder.resolve(PREFIX + repository.replace("/", "--"));
    }

    /// The commit that a revision had when something of it was last downloaded.
    Optional<String> commit(String repository, String revision) {
        if (HubNames.isCommit(revision)) {
            return Optional.of(revision);
        }
        Path ref = repository(repository).resolve("refs").resolve(revision);
        try {
            return Files.isRegularFile(ref) ? Optional.of(Files.readString(ref).strip()).filter(HubNames::isCommit) : Optional.empty();
        } catch (IOException e) {
            throw new UncheckedIOException("the hub's cache cannot be read", e);
        }
    }

    /// A file of a commit, there or not.
    Path snapshot(String repository, String commit, String file) {
        return repository(repository).resolve("snapshots").resolve(commit).resolve(file);
    }

    Path blob(String repository, String etag) {
        return repository(repository).resolve("blobs").resolve(etag);
    }

    Path incomplete(String repository, String etag) {
        return repository(repository).resolve("blobs").resolve(etag + INCOMPLETE);
    }

    Path lock(String repository, String etag) {
        return folder.resolve(".locks").resolve(PREFIX + repository.replace("/", "--")).resolve(etag + ".llatte.lock");
    }

    /// The GGUF files of a revision that are here, by their paths inside the repository, sorted.
    List<String> files(String repository, String revision) {
        Optional<Path> snapshot = commit(repository, revision).map(commit -> snapshot(repository, commit, "")).filter(Files::isDirectory);
        if (snapshot.isEmpty()) {
            return List.of();
        }
        try (Stream<Path> files = Files.walk(snapshot.get())) {
            return files.filter(file -> file.toString().endsWith(".gguf") && Files.isRegularFile(file))
                    .map(file -> snapshot.get().relativize(file).toString().replace('\\', '/')).filter(HubNames::isFile).sorted().toList();
        } catch (IOException e) {
            throw new UncheckedIOException("the hub's cache cannot be read", e);
        }
    }

    /// The revisions of every repository that have something here.
    Map<String, List<String>> revisions() {
        var found = new LinkedHashMap<String, List<String>>();
        try {
            for (Path entry : Folders.entries(folder)) {
                String name = entry.getFileName().toString().replaceFirst("/$", "");
                String[] parts = name.split("--");
                Path refs = entry.resolve("refs");
                if (name.startsWith(PREFIX) && parts.length == 3 && HubNames.isRepository(parts[1] + "/" + parts[2])
                        && Files.isDirectory(refs)) {
                    try (Stream<Path> files = Files.walk(refs)) {
                        found.put(parts[1] + "/" + parts[2], files.filter(Files::isRegularFile).map(file ->
                                refs.relativize(file).toString().replace('\\', '/')).filter(HubNames::isRevision).sorted().toList());
                    }
                }
            }
        } catch (IOException e) {
            throw new UncheckedIOException("the hub's cache " + folder + " cannot be read", e);
        }
        return found;
    }

    /// Makes a blob appear as a file of a commit: as a link, and where the system makes none as the bytes themselves.
    ///
    /// @param mayMove whether no other file can mean this blob, so that it need not be copied
    void link(Path blob, Path snapshot, boolean mayMove) throws IOException {
        Files.createDirectories(snapshot.getParent());
        Files.deleteIfExists(snapshot);
        try {
            Files.createSymbolicLink(snapshot, snapshot.getParent().relativize(blob));
        } catch (UnsupportedOperationException | FileSystemException e) {
            LOG.debug("no link from {}, so the file itself goes there", snapshot, e);
            if (mayMove) {
                Files.move(blob, snapshot, StandardCopyOption.ATOMIC_MOVE);
            } else {
                Path copy = snapshot.resolveSibling(snapshot.getFileName() + INCOMPLETE);
                Files.copy(blob, copy, StandardCopyOption.REPLACE_EXISTING);
                Files.move(copy, snapshot, StandardCopyOption.ATOMIC_MOVE);
            }
        }
    }

    /// Notes which commit a branch or tag has.
    void remember(String repository, String revision, String commit) throws IOException {
        if (!revision.equals(commit)) {
            Path ref = repository(repository).resolve("refs").resolve(revision);
            Files.createDirectories(ref.getParent());
            Path written = Files.writeString(ref.resolveSibling(ref.getFileName() + INCOMPLETE), commit);
            Files.move(written, ref, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
        }
    }

    /// Deletes files of a commit, their blobs unless another commit or name means them too, and what unfinished downloads left.
    ///
    /// @return whether there was anything
    boolean remove(String repository, Optional<String> commit, List<String> files) throws IOException {
        var blobs = new ArrayList<Path>();
        boolean removed = false;
        for (String file : commit.isPresent() ? files : List.<String>of()) {
            Path snapshot = snapshot(repository, commit.get(), file);
            if (Files.isSymbolicLink(snapshot)) {
                blobs.add(snapshot.resolveSibling(Files.readSymbolicLink(snapshot)).normalize());
            }
            removed |= Files.deleteIfExists(snapshot);
        }
        List<Path> used = linkedBlobs(repository);
        for (Path blob : blobs) {
            if (!used.contains(blob)) {
                Files.deleteIfExists(blob);
            }
        }
        return removed | removeIncomplete(repository);
    }

    private boolean removeIncomplete(String repository) throws IOException {
        boolean removed = false;
        for (Path entry : Folders.entries(repository(repository).resolve("blobs"))) {
            String name = entry.getFileName().toString();
            if (name.endsWith(INCOMPLETE)) {
                Path lock = lock(repository, name.substring(0, name.length() - INCOMPLETE.length()));
                Files.createDirectories(lock.getParent());
                try (StoreLock _ = StoreLock.acquire(lock, name, Duration.ZERO, new ProgressMeter(name, progress -> { }))) {
                    removed |= Files.deleteIfExists(entry);
                } catch (DownloadException e) {
                    LOG.debug("{} stays: {}", entry, e.getMessage());
                }
            }
        }
        return removed;
    }

    private List<Path> linkedBlobs(String repository) throws IOException {
        Path snapshots = repository(repository).resolve("snapshots");
        if (!Files.isDirectory(snapshots)) {
            return List.of();
        }
        try (Stream<Path> files = Files.walk(snapshots)) {
            var blobs = new ArrayList<Path>();
            for (Path file : (Iterable<Path>) files.filter(Files::isSymbolicLink)::iterator) {
                blobs.add(file.resolveSibling(Files.readSymbolicLink(file)).normalize());
            }
            return blobs;
        }
    }

    /// Whether a blob is here with all its bytes, or with any number of them where nobody has said how many there are.
    boolean hasBlob(Path blob, FileSpec spec) throws IOException {
        return Files.isRegularFile(blob) && Files.size(blob) == spec.sizeBytes().orElse(Files.size(blob));
    }
}
