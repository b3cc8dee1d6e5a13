package io.llatte.model;

import io.llatte.model.DownloadProgress.Phase;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Optional;
import java.util.Set;

/// Fetches one file behind one address. What an earlier try left is used if the server still has the same file.
final class UrlDownload implements Download {

    private final FileSpec spec;
    private final ModelSource.Url source;
    private final Path part;
    private final Path validator;
    private final DiskSpace disk;
    private final Duration stallTimeout;

    UrlDownload(FileSpec spec, ModelSource.Url source, Path work, DiskSpace disk, Duration stallTimeout) {
        this.spec = spec;
        this.source = source;
        this.part = work.resolve(spec.name() + ".part");
        this.validator = work.resolve(spec.name() + ".validator");
        this.disk = disk;
        this.stallTimeout = stallTimeout;
    }

    @Override
    public long prepare() throws IOException {
        Folders.deleteAllBut(part.getParent(), Set.of(part.getFileName().toString(), validator.getFileName().toString()));
        long kept = Files.isRegularFile(part) ? Files.size(part) : 0;
        if (kept > spec.sizeBytes().orElse(kept) || kept > 0 && !Files.isRegularFile(validator)) {
            Files.delete(part);
            kept = 0;
        }
        return Math.max(0, spec.totalBytes() - kept);
    }

    @Override
    public void run(Path target, ProgressMeter progress) throws IOException {
        try (var client = new WebClient(stallTimeout); var file = VerifiedFile.resume(spec, part, disk)) {
            new HttpTransfer(client, source.uri(), Optional.of(validator), stallTimeout).run(file, progress);
            progress.start(Phase.VERIFYING, spec.name(), file.size(), file.size());
            Files.deleteIfExists(validator);    // right or wrong, nothing is to be added any more
            file.moveTo(target);
        }
    }
}
