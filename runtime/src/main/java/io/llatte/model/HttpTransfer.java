package io.llatte.model;

import io.llatte.DownloadException;
import io.llatte.model.DownloadProgress.Phase;
import java.io.IOException;
import java.io.InputStream;
import java.net.URI;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CancellationException;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// Moves the bytes behind one address into a file over one connection at a time. A transfer that broke off goes on where it was, by itself
/// or in the next process.
final class HttpTransfer {

    private static final Logger LOG = LoggerFactory.getLogger(HttpTransfer.class);
    private static final int TRIES = 3;
    private static final Pattern CONTENT_RANGE = Pattern.compile("bytes (\\d+)-\\d+/(\\d+|\\*)");

    private final WebClient client;
    private final URI uri;
    private final Optional<Path> validator;
    private final Duration stallTimeout;
    private boolean answered;

    /// @param validator the file that keeps what tells whether the server still has the same bytes; none where the address says it
    HttpTransfer(WebClient client, URI uri, Optional<Path> validator, Duration stallTimeout) {
        this.client = client;
        this.uri = uri;
        this.validator = validator;
        this.stallTimeout = stallTimeout;
    }

    /// Appends what `file` lacks.
    ///
    /// @throws DownloadException if that cannot be; what came so far is kept where it is sound
    /// @throws CancellationException if the thread is interrupted
    void run(VerifiedFile file, ProgressMeter progress) throws IOException {
        boolean done = file.isComplete();
        for (int left = TRIES; !done; left--) {
            long before = file.size();
            try {
                fetch(file, progress);
                done = true;
            } catch (IOException e) {
                if (Thread.currentThread().isInterrupted()) {
                    throw (CancellationException) new CancellationException("the download of %s was interrupted after %d bytes"
                            .formatted(file.spec().name(), file.size())).initCause(e);
                }
                if (file.size() <= before || left == 1) {
                    throw failed(file, e);
                }
                LOG.info("{} broke off after {} of {} bytes, going on: {}", WebClient.display(uri), file.size(), file.spec().totalBytes(),
                        WebClient.reason(e));
            }
        }
    }

    private DownloadException failed(VerifiedFile file, IOException e) {
        if (!answered) {
            return new DownloadException("no network: %s cannot be reached (%s)%s".formatted(WebClient.display(uri), WebClient.reason(e),
                    file.size() == 0 ? "" : "; the %d bytes of an earlier try are kept".formatted(file.size())), e);
        }
        return new DownloadException("%s broke off after %d of %d bytes (%s); the next try goes on from there"
                .formatted(WebClient.display(uri), file.size(), file.spec().totalBytes(), WebClient.reason(e)), e);
    }

    private void fetch(VerifiedFile file, ProgressMeter progress) throws IOException {
        HttpResponse<InputStream> response = request(file);
        if (response.statusCode() == 416 && file.size() > 0) {      // what is here is none of the server's bytes
            LOG.info("{} does not have the bytes after {}, starting again", WebClient.display(uri), file.size());
            response.body().close();
            file.restart();
            response = request(file);
        }
        try (InputStream body = response.body()) {
            if (response.statusCode() != 200 && response.statusCode() != 206) {
                throw new DownloadException("%s answered with status %d%s".formatted(WebClient.display(uri), response.statusCode(),
                        advice(response.statusCode())));
            }
            accept(response, file);
            progress.start(Phase.DOWNLOADING, response.uri().getHost(), file.size(), file.spec().totalBytes());
            var watchdog = new Watchdog(body, file, stallTimeout);
            try (watchdog) {
                file.append(body, progress);
            } catch (IOException e) {
                throw watchdog.hasBitten() ? new IOException("nothing came for " + stallTimeout.toMillis() / 1000.0 + " s", e) : e;
            }
        }
        if (!file.isComplete() && file.spec().sizeBytes().isPresent()) {
            throw new IOException("the server sent no more");
        }
    }

    private HttpResponse<InputStream> request(VerifiedFile file) throws IOException {
        Map<String, String> headers = new LinkedHashMap<>();
        if (file.size() > 0 && validator.isPresent() && !Files.isRegularFile(validator.get())) {
            file.restart();
        }
        if (file.size() > 0) {
            headers.put("Range", "bytes=" + file.size() + "-");
            if (validator.isPresent()) {
                headers.put("If-Range", Files.readString(validator.get()));
            }
        }
        HttpResponse<InputStream> response = client.send("GET", uri, headers, true, HttpResponse.BodyHandlers.ofInputStream());
        answered = true;
        return response;
    }

    /// Goes on where the server does, which is at the start if it has other bytes now or cannot do better.
    private void accept(HttpResponse<?> response, VerifiedFile file) throws IOException {
        Matcher range = CONTENT_RANGE.matcher(response.headers().firstValue("Content-Range").orElse(""));
        if (response.statusCode() == 206) {
            if (!range.matches() || Long.parseLong(range.group(1)) != file.size()) {
                file.restart();
                throw new DownloadException("%s answered with other bytes than those asked for (%s); the next try starts again".formatted(
                        WebClient.display(uri), response.headers().firstValue("Content-Range").orElse("no Content-Range")));
            }
            if (!range.group(2).equals("*")) {
                file.expect(Long.parseLong(range.group(2)));
            }
            return;
        }
        file.restart();
        remember(response);
        var length = response.headers().firstValueAsLong("Content-Length");
        if (length.isPresent()) {
            file.expect(length.getAsLong());
        }
    }

    /// Without something that changes with the file, its parts must not be put together.
    private void remember(HttpResponse<?> response) throws IOException {
        if (validator.isEmpty()) {
            return;
        }
        var value = response.headers().firstValue("ETag").filter(tag -> !tag.startsWith("W/"))
                .or(() -> response.headers().firstValue("Last-Modified"));
        if (value.isPresent()) {
            Files.writeString(validator.get(), value.get());
        } else {
            Files.deleteIfExists(validator.get());
        }
    }

    private static String advice(int status) {
        return switch (status) {
            case 401, 403 -> "; it asks for a permission that is not here";
            case 404, 410 -> "; there is no such file";
            case 429, 500, 502, 503, 504 -> "; the server is busy or broken, try again later";
            default -> "";
        };
    }

    /// Breaks a connection on which nothing comes any more; the client itself would wait for ever.
    private static final class Watchdog implements AutoCloseable {

        private final Thread thread;
        private volatile boolean bitten;

        Watchdog(InputStream body, VerifiedFile file, Duration patience) {
            thread = Thread.ofVirtual().name("llatte-download-watchdog").start(() -> watch(body, file, patience));
        }

        private void watch(InputStream body, VerifiedFile file, Duration patience) {
            try {
                long seen = -1;
                while (file.size() != seen) {
                    seen = file.size();
                    Thread.sleep(patience);
                }
                bitten = true;
                body.close();
            } catch (InterruptedException e) {
                LOG.trace("the download ended", e);
            } catch (IOException e) {
                LOG.debug("closing a stalled connection failed", e);
            }
        }

        boolean hasBitten() {
            return bitten;
        }

        @Override
        public void close() {
            thread.interrupt();
        }
    }
}
