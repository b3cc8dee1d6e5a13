package io.llatte.model;

import io.llatte.DownloadException;
import io.llatte.model.DownloadProgress.Phase;
import io.llatte.model.HubClient.Remote;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;

/// Fetches a model of the hub into the hub's cache, with all parts of a split one.
///
/// The bytes are addressed by commit and named by checksum, so what an earlier try left is always of the same file.
final class HubDownload {

    private final HubSettings settings;
    private final HubCache cache;
    private final long reservedBytes;
    private final Duration lockPatience;
    private final Duration stallTimeout;

    HubDownload(HubSettings settings, HubCache cache, long reservedBytes, Duration lockPatience, Duration stallTimeout) {
        this.settings = settings;
        this.cache = cache;
        this.reservedBytes = reservedBytes;
        this.lockPatience = lockPatience;
        this.stallTimeout = stallTimeout;
    }

    /// @param pin what the catalog says of a model that is not split
    /// @return every file, the first part first
    /// @throws DownloadException if that cannot be; what came so far is kept for the next try
    List<Path> run(ModelReference.Hub wanted, Optional<CatalogModel.Pin> pin, ProgressMeter progress) throws IOException {
        Optional<String> token = settings.token();
        try (var client = new WebClient(stallTimeout, Optional.of(settings.endpoint()), token)) {
            var hub = new HubClient(settings.endpoint(), token.isPresent(), client);
            List<Remote> parts = describe(wanted, hub);
            if (pin.isPresent()) {
                parts.set(0, pinned(parts.getFirst(), pin.get(), wanted));
            }
            DiskSpace disk = disk();
            disk.require(missingBytes(wanted.repository(), parts), wanted.toString());
            var files = new ArrayList<Path>();
            long wholeBytes = parts.stream().mapToLong(part -> part.spec().totalBytes()).sum();
            long done = 0;
            for (Remote part : parts) {
                progress.section(done, wholeBytes);
                files.add(fetch(wanted.repository(), part, hub, client, disk, progress));
                done += part.spec().totalBytes();
            }
            cache.remember(wanted.repository(), wanted.revision(), parts.getFirst().commit());
            return files;
        }
    }

    private List<Remote> describe(ModelReference.Hub wanted, HubClient hub) {
        String file = wanted.file().orElseGet(() -> choose(wanted, hub.files(wanted.repository(), wanted.revision())));
        var parts = new ArrayList<Remote>();
        for (String part : HubNames.parts(file)) {
            // All parts of the commit that the first one had.
            parts.add(hub.describe(wanted.repository(), parts.isEmpty() ? wanted.revision() : parts.getFirst().commit(), part));
        }
        return parts;
    }

    private static String choose(ModelReference.Hub wanted, List<String> files) {
        return HubNames.choose(files, wanted.quantization()).orElseThrow(() -> new DownloadException("%s has no %s; it has %s"
                .formatted(wanted.repository(), wanted.quantization().map(q -> q + " model").orElse("GGUF model"), HubClient.names(files))));
    }

    private static Remote pinned(Remote remote, CatalogModel.Pin pin, ModelReference.Hub wanted) {
        String sha256 = remote.spec().sha256().orElse(pin.sha256());
        long sizeBytes = remote.spec().sizeBytes().orElse(pin.sizeBytes());
        if (!sha256.equals(pin.sha256()) || sizeBytes != pin.sizeBytes()) {
            throw new DownloadException("%s is not what the catalog says: %d bytes with SHA-256 %s, expected %d with %s"
                    .formatted(wanted, sizeBytes, sha256, pin.sizeBytes(), pin.sha256()));
        }
        return new Remote(remote.file(), remote.commit(), remote.etag(),
                new FileSpec(remote.spec().name(), OptionalLong.of(sizeBytes), Optional.of(sha256)));
    }

    private DiskSpace disk() {
        try {
            return new DiskSpace(Files.createDirectories(cache.folder()), reservedBytes);
        } catch (IOException e) {
            throw new DownloadException("the hub's cache %s cannot be written (%s); set HF_HUB_CACHE to a folder that can"
                    .formatted(cache.folder(), e), e);
        }
    }

    private long missingBytes(String repository, List<Remote> parts) throws IOException {
        long bytes = 0;
        for (Remote part : parts) {
            if (!isHere(repository, part)) {
                Path kept = cache.incomplete(repository, part.etag());
                bytes += Math.max(0, part.spec().totalBytes() - (Files.isRegularFile(kept) ? Files.size(kept) : 0));
            }
        }
        return bytes;
    }

    private boolean isHere(String repository, Remote part) throws IOException {
        return Files.isRegularFile(cache.snapshot(repository, part.commit(), part.file()))
                || cache.hasBlob(cache.blob(repository, part.etag()), part.spec());
    }

    private Path fetch(String repository, Remote part, HubClient hub, WebClient client, DiskSpace disk, ProgressMeter progress)
            throws IOException {
        Path snapshot = cache.snapshot(repository, part.commit(), part.file());
        Path lock = cache.lock(repository, part.etag());
        Files.createDirectories(lock.getParent());
        try (StoreLock _ = StoreLock.acquire(lock, part.spec().name(), lockPatience, progress)) {
            if (!Files.isRegularFile(snapshot)) {
                Path blob = cache.blob(repository, part.etag());
                boolean isNew = !cache.hasBlob(blob, part.spec());
                if (isNew) {
                    download(repository, part, blob, hub, client, disk, progress);
                }
                cache.link(blob, snapshot, isNew);
            }
            return snapshot;
        }
    }

    private void download(String repository, Remote part, Path blob, HubClient hub, WebClient client, DiskSpace disk,
                          ProgressMeter progress) throws IOException {
        Path incomplete = cache.incomplete(repository, part.etag());
        Files.createDirectories(incomplete.getParent());
        if (Files.isRegularFile(incomplete) && Files.size(incomplete) > part.spec().sizeBytes().orElse(Long.MAX_VALUE)) {
            Files.delete(incomplete);
        }
        try (var file = VerifiedFile.resume(part.spec(), incomplete, disk)) {
            var transfer = new HttpTransfer(client, hub.address(repository, part.commit(), part.file()), Optional.empty(), stallTimeout);
            transfer.run(file, progress);
            progress.start(Phase.VERIFYING, part.spec().name(), file.size(), file.size());
            file.moveTo(blob);
        }
    }
}
