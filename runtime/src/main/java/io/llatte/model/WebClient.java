package io.llatte.model;

import java.io.Closeable;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.time.Duration;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CancellationException;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/// HTTP through the machine's proxy. Redirects are followed here, because the JDK's client would carry a token to another host.
final class WebClient implements AutoCloseable {

    private static final Duration CONNECT_TIMEOUT = Duration.ofSeconds(20);
    private static final int MAX_REDIRECTS = 10;

    private final HttpClient client = HttpClient.newBuilder().connectTimeout(CONNECT_TIMEOUT)
            .followRedirects(HttpClient.Redirect.NEVER).build();
    private final Duration patience;
    private final Optional<URI> tokenOrigin;
    private final Optional<String> token;

    /// Without a token.
    WebClient(Duration patience) {
        this(patience, Optional.empty(), Optional.empty());
    }

    /// @param patience how long an answer may take to begin
    /// @param tokenOrigin whose scheme, host and port are the only ones that get the token
    WebClient(Duration patience, Optional<URI> tokenOrigin, Optional<String> token) {
        this.patience = patience;
        this.tokenOrigin = tokenOrigin;
        this.token = token;
    }

    /// Sends a request and follows where it is redirected to.
    ///
    /// @param leaveHost whether to follow to another host; if not, such a redirect is the answer
    /// @throws CancellationException if the thread is interrupted
    <T> HttpResponse<T> send(String method, URI uri, Map<String, String> headers, boolean leaveHost, HttpResponse.BodyHandler<T> body)
            throws IOException {
        URI at = uri;
        for (int redirects = 0; redirects <= MAX_REDIRECTS; redirects++) {
            HttpResponse<T> response = sendOnce(method, at, headers, body);
            Optional<String> location = response.headers().firstValue("Location");
            if (response.statusCode() / 100 != 3 || response.statusCode() == 304 || location.isEmpty()) {
                return response;
            }
            URI next = target(at, location.get());
            if (!leaveHost && !sameOrigin(at, next)) {
                return response;
            }
            if (response.body() instanceof Closeable unread) {
                unread.close();
            }
            at = next;
        }
        throw new IOException("more than " + MAX_REDIRECTS + " redirects");
    }

    private static URI target(URI from, String location) throws IOException {
        URI target;
        try {
            target = from.resolve(location);
        } catch (IllegalArgumentException e) {
            throw new IOException("redirected to something that is no address", e);
        }
        boolean isWeb = "https".equalsIgnoreCase(target.getScheme()) || "http".equalsIgnoreCase(target.getScheme());
        if (!isWeb || target.getHost() == null || "https".equalsIgnoreCase(from.getScheme()) && !"https".equalsIgnoreCase(target.getScheme())) {
            throw new IOException("redirected from " + display(from) + " to " + display(target) + ", which is not followed");
        }
        return target;
    }

    private <T> HttpResponse<T> sendOnce(String method, URI uri, Map<String, String> headers, HttpResponse.BodyHandler<T> body)
            throws IOException {
        var request = HttpRequest.newBuilder(uri).method(method, HttpRequest.BodyPublishers.noBody())
                .header("User-Agent", "llatte").header("Accept-Encoding", "identity");
        headers.forEach(request::header);
        if (token.isPresent() && tokenOrigin.filter(origin -> sameOrigin(origin, uri)).isPresent()) {
            request.header("Authorization", "Bearer " + token.get());
        }
        // On a thread of its own: the request's timeout may include the body, which takes as long as it takes, and sendAsync needs a free
        // thread of the common pool, of which the caller may hold the last.
        var answer = new FutureTask<>(() -> client.send(request.build(), body));
        Thread.ofVirtual().name("llatte-http").start(answer);
        try {
            return answer.get(patience.toMillis(), TimeUnit.MILLISECONDS);
        } catch (TimeoutException e) {
            answer.cancel(true);
            throw new IOException("no answer within " + patience.toMillis() / 1000.0 + " s", e);
        } catch (InterruptedException e) {
            answer.cancel(true);
            Thread.currentThread().interrupt();
            throw (CancellationException) new CancellationException("the download was interrupted").initCause(e);
        } catch (ExecutionException e) {
            throw e.getCause() instanceof IOException cause ? cause : new IOException(e.getCause());
        }
    }

    private static boolean sameOrigin(URI a, URI b) {
        return a.getScheme().equalsIgnoreCase(b.getScheme()) && a.getHost().equalsIgnoreCase(b.getHost()) && port(a) == port(b);
    }

    private static int port(URI uri) {
        return uri.getPort() >= 0 ? uri.getPort() : "https".equalsIgnoreCase(uri.getScheme()) ? 443 : 80;
    }

    /// An address for messages: without the user and the query, which may be secrets.
    static String display(URI uri) {
        return uri.getHost() == null ? uri.getScheme() + ":…"
                : uri.getScheme() + "://" + uri.getHost() + (uri.getPort() < 0 ? "" : ":" + uri.getPort()) + uri.getRawPath();
    }

    /// What went wrong, in a few words; the JDK's exceptions often have none.
    static String reason(IOException e) {
        for (Throwable cause = e; cause != null; cause = cause.getCause()) {
            if (cause.getMessage() != null && !cause.getMessage().isBlank()) {
                return cause.getMessage();
            }
        }
        return e.getClass().getSimpleName();
    }

    @Override
    public void close() {
        client.shutdownNow();   // close() would wait for an answer that was given up
        client.close();
    }
}
