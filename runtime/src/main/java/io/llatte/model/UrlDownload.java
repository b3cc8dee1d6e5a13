package io.llatte.model;

import io.llatte.DownloadException;
import io.llatte.model.DownloadProgress.Phase;
import java.io.IOException;
import java.io.InputStream;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Set;
import java.util.concurrent.CancellationException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// Fetches one file over HTTP. A download that broke off goes on where it was if the server still has the same file.
final class UrlDownload implements Download {

    private static final Logger LOG = LoggerFactory.getLogger(UrlDownload.class);
    private static final int TRIES = 3;
    private static final Duration CONNECT_TIMEOUT = Duration.ofSeconds(20);

    private final CatalogModel model;
    private final ModelSource.Url source;
    private final Path part;
    private final Path validator;
    private final Duration stallTimeout;

    UrlDownload(CatalogModel model, ModelSource.Url source, Path work, Duration stallTimeout) {
        this.model = model;
        this.source = source;
        this.part = work.resolve(model.file() + ".part");
        this.validator = work.resolve(model.file() + ".validator");
        this.stallTimeout = stallTimeout;
    }

    @Override
    public long prepare() throws IOException {
        Folders.deleteAllBut(part.getParent(), Set.of(part.getFileName().toString(), validator.getFileName().toString()));
        long kept = Files.isRegularFile(part) ? Files.size(part) : 0;
        if (kept > model.sizeBytes() || kept > 0 && !Files.isRegularFile(validator)) {
            Files.delete(part);
            kept = 0;
        }
        return model.sizeBytes() - kept;
    }

    @Override
    public void run(Path target, ProgressMeter progress) throws IOException {
        try (HttpClient client = HttpClient.newBuilder().connectTimeout(CONNECT_TIMEOUT)
                .followRedirects(HttpClient.Redirect.NORMAL).build();
                VerifiedFile file = VerifiedFile.resume(model, part)) {
            for (int left = TRIES; file.size() < model.sizeBytes(); left--) {
                long before = file.size();
                try {
                    fetch(client, file, progress);
                } catch (IOException e) {
                    if (Thread.currentThread().isInterrupted()) {
                        throw interrupted(e);
                    }
                    if (file.size() == before || left == 1) {
                        throw new DownloadException("%s broke off after %d of %d bytes (%s); the next try goes on from there"
                                .formatted(source.uri(), file.size(), model.sizeBytes(), reason(e)), e);
                    }
                    LOG.info("{} broke off after {} of {} bytes, going on: {}", source.uri(), file.size(), model.sizeBytes(), reason(e));
                }
            }
            progress.start(Phase.VERIFYING, model.file(), file.size(), model.sizeBytes());
            Files.deleteIfExists(validator);    // right or wrong, nothing is to be added any more
            file.moveTo(target);
        }
    }

    private void fetch(HttpClient client, VerifiedFile file, ProgressMeter progress) throws IOException {
        var request = HttpRequest.newBuilder(source.uri()).header("User-Agent", "llatte").header("Accept-Encoding", "identity");
        if (file.size() > 0) {
            request.header("Range", "bytes=" + file.size() + "-").header("If-Range", Files.readString(validator));
        }
        HttpResponse<InputStream> response = send(client, request.build(), file);
        try (InputStream body = response.body()) {
            boolean resumes = response.statusCode() == 206
                    && response.headers().firstValue("Content-Range").orElse("").startsWith("bytes " + file.size() + "-");
            if (!resumes && response.statusCode() != 200) {
                throw new DownloadException("%s answered with status %d".formatted(source.uri(), response.statusCode()));
            }
            if (!resumes) {
                file.restart();
                remember(response);
            }
            progress.start(Phase.DOWNLOADING, source.uri().getHost(), file.size(), model.sizeBytes());
            try (var _ = new Watchdog(body, file, stallTimeout)) {
                file.append(body, progress);
            }
        }
        if (file.size() < model.sizeBytes()) {
            throw new IOException("the server sent no more");
        }
    }

    private HttpResponse<InputStream> send(HttpClient client, HttpRequest request, VerifiedFile file) throws IOException {
        try {
            return client.send(request, HttpResponse.BodyHandlers.ofInputStream());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw interrupted(e);
        } catch (IOException e) {
            if (file.size() > 0) {
                throw e;
            }
            throw new DownloadException("no network: " + source.uri() + " cannot be reached (" + reason(e) + ")", e);
        }
    }

    /// Without something that changes with the file, its parts must not be put together.
    private void remember(HttpResponse<?> response) throws IOException {
        var value = response.headers().firstValue("ETag").filter(tag -> !tag.startsWith("W/"))
                .or(() -> response.headers().firstValue("Last-Modified"));
        if (value.isPresent()) {
            Files.writeString(validator, value.get());
        } else {
            Files.deleteIfExists(validator);
        }
    }

    private CancellationException interrupted(Exception cause) {
        return (CancellationException) new CancellationException("the download of " + model.id() + " was interrupted").initCause(cause);
    }

    private static String reason(IOException e) {
        return e.getMessage() == null ? e.getClass().getSimpleName() : e.getMessage();
    }

    /// Breaks a connection on which nothing comes any more; the client itself would wait for ever.
    private static final class Watchdog implements AutoCloseable {

        private final Thread thread;

        Watchdog(InputStream body, VerifiedFile file, Duration patience) {
            thread = Thread.ofVirtual().name("llatte-download-watchdog").start(() -> watch(body, file, patience));
        }

        private static void watch(InputStream body, VerifiedFile file, Duration patience) {
            try {
                long seen = -1;
                while (file.size() != seen) {
                    seen = file.size();
                    Thread.sleep(patience);
                }
                LOG.info("nothing came for {} s, closing the connection", patience.toSeconds());
                body.close();
            } catch (InterruptedException e) {
                LOG.trace("the download ended", e);
            } catch (IOException e) {
                LOG.debug("closing a stalled connection failed", e);
            }
        }

        @Override
        public void close() {
            thread.interrupt();
        }
    }
}
