package io.llatte.model;

import io.llatte.DownloadException;
import java.io.Closeable;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.channels.ClosedByInterruptException;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.security.MessageDigest;
import java.util.HexFormat;

/// A model file while it is being put together: written beside its place, hashed on the way, moved there once it is verified.
final class VerifiedFile implements Closeable {

    private static final int BUFFER_BYTES = 1 << 18;

    private final Path part;
    private final DiskSpace disk;
    private final FileChannel channel;
    private final MessageDigest digest = Checksums.sha256();
    private final byte[] buffer = new byte[BUFFER_BYTES];
    private FileSpec spec;
    private volatile long size;     // a watchdog looks at it

    private VerifiedFile(FileSpec spec, Path part, DiskSpace disk, FileChannel channel) {
        this.spec = spec;
        this.part = part;
        this.disk = disk;
        this.channel = channel;
    }

    /// Starts anew; what lay there is gone.
    static VerifiedFile create(FileSpec spec, Path part, DiskSpace disk) throws IOException {
        return new VerifiedFile(spec, part, disk, FileChannel.open(part,
                StandardOpenOption.CREATE, StandardOpenOption.TRUNCATE_EXISTING, StandardOpenOption.WRITE));
    }

    /// Goes on behind what an earlier try left.
    static VerifiedFile resume(FileSpec spec, Path part, DiskSpace disk) throws IOException {
        var file = new VerifiedFile(spec, part, disk, FileChannel.open(part,
                StandardOpenOption.CREATE, StandardOpenOption.READ, StandardOpenOption.WRITE));
        try {
            ByteBuffer bytes = ByteBuffer.wrap(file.buffer);
            for (long left = file.channel.size(); left > 0; bytes.clear()) {
                int n = file.channel.read(bytes.limit((int) Math.min(left, file.buffer.length)));
                left = n < 0 ? 0 : left - n;
                file.digest.update(file.buffer, 0, Math.max(0, n));
                file.size = file.size + Math.max(0, n);
            }
            return file;
        } catch (IOException e) {
            file.close();
            throw e;
        }
    }

    long size() {
        return size;
    }

    FileSpec spec() {
        return spec;
    }

    /// Whether every byte is here, as far as one knows.
    boolean isComplete() {
        return spec.sizeBytes().isPresent() && size >= spec.sizeBytes().getAsLong();
    }

    /// Takes the server's word for a size that nobody has said before, and checks that there is room for it.
    void expect(long sizeBytes) throws IOException {
        if (spec.sizeBytes().isEmpty()) {
            disk.require(sizeBytes - size, spec.name());
            spec = spec.withSize(sizeBytes);
        }
    }

    /// Forgets everything so far.
    void restart() throws IOException {
        channel.truncate(0);
        digest.reset();
        size = 0;
    }

    /// Appends all of `in`, in which `progress` hears of every step.
    ///
    /// @throws DownloadException if the file gets larger than it should be, or the disk is full
    void append(InputStream in, ProgressMeter progress) throws IOException {
        for (int n = in.read(buffer); n >= 0; n = in.read(buffer)) {
            if (spec.sizeBytes().isPresent() && size + n > spec.sizeBytes().getAsLong()) {
                throw new DownloadException("%s is larger than the %d bytes that it should have".formatted(spec.name(), spec.totalBytes()));
            }
            try {
                for (ByteBuffer bytes = ByteBuffer.wrap(buffer, 0, n); bytes.hasRemaining(); ) {
                    channel.write(bytes);
                }
            } catch (ClosedByInterruptException e) {
                throw e;
            } catch (IOException e) {
                throw disk.writeFailed(spec.name(), Math.max(0, spec.totalBytes() - size), e);
            }
            digest.update(buffer, 0, n);
            size = size + n;
            progress.update(size);
        }
    }

    /// Verifies size and checksum where they are known, makes the bytes durable, and gives the file its final name.
    ///
    /// @throws DownloadException if the size or the checksum is wrong; the file is deleted then
    void moveTo(Path target) throws IOException {
        String actual = HexFormat.of().formatHex(digest.digest());
        boolean wrongSize = size != spec.sizeBytes().orElse(size);
        if (wrongSize || !actual.equals(spec.sha256().orElse(actual))) {
            close();
            Files.deleteIfExists(part);
            throw new DownloadException(wrongSize
                    ? "%s has the wrong size: %d bytes, expected %d; they are deleted".formatted(spec.name(), size, spec.totalBytes())
                    : "%s has the wrong SHA-256: %s, expected %s; its %d bytes are deleted"
                            .formatted(spec.name(), actual, spec.sha256().orElseThrow(), size));
        }
        channel.force(true);
        close();
        Files.createDirectories(target.getParent());
        Files.move(part, target, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
    }

    @Override
    public void close() throws IOException {
        channel.close();
    }
}
