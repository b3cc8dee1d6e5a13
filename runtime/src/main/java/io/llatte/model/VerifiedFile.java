package io.llatte.model;

import io.llatte.DownloadException;
import java.io.Closeable;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
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

    private final CatalogModel model;
    private final Path part;
    private final FileChannel channel;
    private final MessageDigest digest = Checksums.sha256();
    private final byte[] buffer = new byte[BUFFER_BYTES];
    private volatile long size;     // a watchdog looks at it

    private VerifiedFile(CatalogModel model, Path part, FileChannel channel) {
        this.model = model;
        this.part = part;
        this.channel = channel;
    }

    /// Starts anew; what lay there is gone.
    static VerifiedFile create(CatalogModel model, Path part) throws IOException {
        return new VerifiedFile(model, part, FileChannel.open(part,
                StandardOpenOption.CREATE, StandardOpenOption.TRUNCATE_EXISTING, StandardOpenOption.WRITE));
    }

    /// Goes on behind what an earlier try left.
    static VerifiedFile resume(CatalogModel model, Path part) throws IOException {
        var file = new VerifiedFile(model, part, FileChannel.open(part, StandardOpenOption.CREATE, StandardOpenOption.WRITE));
        try (InputStream in = Files.newInputStream(part)) {
            for (int n = in.read(file.buffer); n >= 0; n = in.read(file.buffer)) {
                file.digest.update(file.buffer, 0, n);
                file.size = file.size + n;
            }
            file.channel.position(file.size);
            return file;
        } catch (IOException e) {
            file.close();
            throw e;
        }
    }

    long size() {
        return size;
    }

    /// Forgets everything so far.
    void restart() throws IOException {
        channel.truncate(0);
        digest.reset();
        size = 0;
    }

    /// Appends all of `in`, in which `progress` hears of every step.
    ///
    /// @throws DownloadException if the file gets larger than the catalog says
    void append(InputStream in, ProgressMeter progress) throws IOException {
        for (int n = in.read(buffer); n >= 0; n = in.read(buffer)) {
            if (size + n > model.sizeBytes()) {
                throw new DownloadException("%s is larger than the %d bytes that the catalog has for %s"
                        .formatted(model.file(), model.sizeBytes(), model.id()));
            }
            for (ByteBuffer bytes = ByteBuffer.wrap(buffer, 0, n); bytes.hasRemaining(); ) {
                channel.write(bytes);
            }
            digest.update(buffer, 0, n);
            size = size + n;
            progress.update(size);
        }
    }

    /// Verifies size and checksum, makes the bytes durable, and gives the file its final name.
    ///
    /// @throws DownloadException if the size or the checksum is wrong; the file is deleted then
    void moveTo(Path target) throws IOException {
        String actual = HexFormat.of().formatHex(digest.digest());
        if (size != model.sizeBytes() || !actual.equals(model.sha256())) {
            close();
            Files.deleteIfExists(part);
            throw new DownloadException(size != model.sizeBytes()
                    ? "%s has the wrong size: %d bytes, expected %d".formatted(model.file(), size, model.sizeBytes())
                    : "%s has the wrong SHA-256: %s, expected %s".formatted(model.file(), actual, model.sha256()));
        }
        channel.force(true);
        close();
        Files.move(part, target, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
    }

    @Override
    public void close() throws IOException {
        channel.close();
    }
}
