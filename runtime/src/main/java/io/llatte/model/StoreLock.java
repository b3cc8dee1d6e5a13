package io.llatte.model;

import io.llatte.DownloadException;
import io.llatte.model.DownloadProgress.Phase;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.util.Set;
import java.util.concurrent.CancellationException;
import java.util.concurrent.ConcurrentHashMap;

/// One downloader of a model at a time, among processes and threads. The operating system frees the lock of a process that died.
final class StoreLock implements AutoCloseable {

    private static final long POLL_MILLIS = 100;

    /// Far behind the holder's id, which must stay readable where locks are mandatory.
    private static final long LOCKED_POSITION = Long.MAX_VALUE - 1;

    /// POSIX drops a process's locks on a file as soon as it closes any descriptor of it: a second channel must never be opened.
    private static final Set<Path> HELD_HERE = ConcurrentHashMap.newKeySet();

    private final Path key;
    private final FileChannel channel;

    private StoreLock(Path key, FileChannel channel) {
        this.key = key;
        this.channel = channel;
    }

    /// Takes the lock, waiting for at most `patience`.
    ///
    /// @throws DownloadException if another holds it for longer
    /// @throws CancellationException if the thread is interrupted
    static StoreLock acquire(Path file, String model, Duration patience, ProgressMeter progress) throws IOException {
        Path key = file.toAbsolutePath().normalize();
        long deadline = System.nanoTime() + patience.toNanos();
        long waitedMillis = 0;
        while (true) {
            Attempt attempt = tryAcquire(key);
            if (attempt.lock() != null) {
                return attempt.lock();
            }
            if (System.nanoTime() - deadline >= 0) {
                String waited = patience.isZero() ? "" : ", still after %d s".formatted(patience.toSeconds());
                throw new DownloadException("%s is downloading %s%s; try again when it is done".formatted(attempt.holder(), model, waited));
            }
            if (waitedMillis % 1000 == 0) {
                progress.start(Phase.WAITING, attempt.holder(), 0, 0);
            }
            sleep(model);
            waitedMillis += POLL_MILLIS;
        }
    }

    /// Either a lock or who holds it.
    private record Attempt(StoreLock lock, String holder) {
    }

    private static Attempt tryAcquire(Path key) throws IOException {
        if (!HELD_HERE.add(key)) {
            return new Attempt(null, "another thread of this process");
        }
        FileChannel channel = null;
        FileLock lock = null;
        try {
            channel = FileChannel.open(key, StandardOpenOption.CREATE, StandardOpenOption.READ, StandardOpenOption.WRITE);
            lock = channel.tryLock(LOCKED_POSITION, 1, false);
            if (lock == null) {
                return new Attempt(null, "another process" + holderOf(channel));
            }
            channel.truncate(0);
            channel.write(StandardCharsets.US_ASCII.encode(Long.toString(ProcessHandle.current().pid())), 0);
            return new Attempt(new StoreLock(key, channel), null);
        } finally {
            if (lock == null) {
                if (channel != null) {
                    channel.close();
                }
                HELD_HERE.remove(key);
            }
        }
    }

    private static String holderOf(FileChannel channel) throws IOException {
        ByteBuffer bytes = ByteBuffer.allocate(20);
        channel.read(bytes, 0);
        String pid = StandardCharsets.US_ASCII.decode(bytes.flip()).toString();
        return pid.matches("\\d+") ? " (pid " + pid + ")" : "";
    }

    private static void sleep(String model) {
        try {
            Thread.sleep(POLL_MILLIS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw (CancellationException) new CancellationException("interrupted while waiting to download " + model).initCause(e);
        }
    }

    @Override
    public void close() throws IOException {
        channel.close();
        HELD_HERE.remove(key);
    }
}
