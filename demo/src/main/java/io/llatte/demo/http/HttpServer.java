package io.llatte.demo.http;

import com.fasterxml.jackson.databind.JsonNode;
import io.helidon.common.socket.SocketOptions;
import io.helidon.http.BadRequestException;
import io.helidon.http.DirectHandler;
import io.helidon.http.HeaderNames;
import io.helidon.http.HeaderValues;
import io.helidon.http.HttpException;
import io.helidon.http.Status;
import io.helidon.webserver.CloseConnectionException;
import io.helidon.webserver.ErrorHandling;
import io.helidon.webserver.WebServer;
import io.helidon.webserver.http.DirectHandlers;
import io.helidon.webserver.http.FilterChain;
import io.helidon.webserver.http.HttpRouting;
import io.helidon.webserver.http.RoutingRequest;
import io.helidon.webserver.http.RoutingResponse;
import io.helidon.webserver.http.ServerRequest;
import io.helidon.webserver.http.ServerResponse;
import io.helidon.webserver.http1.Http1Config;
import io.helidon.webserver.http1.Http1ConnectionSelector;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.BindException;
import java.net.InetSocketAddress;
import java.net.UnknownHostException;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.UnresolvedAddressException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Locale;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Consumer;
import java.util.function.Function;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// An HTTP/1.1 server with a virtual thread for each connection. Whatever goes wrong is answered in one shape. The caller closes it.
public final class HttpServer implements AutoCloseable {

    private static final Logger LOG = LoggerFactory.getLogger(HttpServer.class);
    private static final int PART_BYTES = 1 << 16;

    /// Helidon's own words, to which it gives the status 400.
    private static final String HEADERS_TOO_LARGE = "Header size exceeded";

    private final Function<Throwable, HttpFailure> failures;
    private final ClientConnections connections;
    private final WebServer server;

    private final ReentrantLock lock = new ReentrantLock();
    private final Condition fewer = lock.newCondition();
    // Guarded by the lock.
    private int requests;
    private boolean stopping;

    /// Binds and begins to listen.
    ///
    /// @param port 0 for one that is free
    /// @param failures what a client is told of an exception that a route throws
    /// @param routes adds what is served
    /// @throws UncheckedIOException if the address cannot be bound
    public HttpServer(String host, int port, HttpLimits limits, AccessRules rules, Function<Throwable, HttpFailure> failures,
                      Consumer<Routes> routes) {
        this.failures = failures;
        var http1 = Http1Config.builder().maxHeadersSize(limits.maxHeaderBytes()).maxPrologueLength(limits.maxHeaderBytes()).name("http_1_1")
                .build();
        connections = new ClientConnections(Http1ConnectionSelector.builder().config(http1).build(), limits);
        HttpRouting.Builder routing = HttpRouting.builder().addFilter(this::track).addFilter(new AccessFilter(rules));
        var served = new Routes();
        routes.accept(served);
        served.addTo(routing);
        routing.error(Throwable.class, this::fail);
        server = WebServer.builder().host(host).port(port).routing(routing).maxPayloadSize(limits.maxBodyBytes())
                .maxConcurrentRequests(limits.maxRequests()).addConnectionSelector(connections).protocolsDiscoverServices(false)
                .directHandlers(directHandlers()).errorHandling(ErrorHandling.builder().includeEntity(true).build()).shutdownHook(false).shutdownGracePeriod(Duration.ofMillis(200))
                .connectionOptions(SocketOptions.builder().tcpNoDelay(true).build()).build();
        try {
            requireFree(host, port);
            server.start();
            if (!server.isRunning()) {
                throw cannotBind(host, port, new BindException("it was taken just now"));
            }
        } catch (RuntimeException e) {
            connections.close();
            throw e;
        }
    }

    // The server's own start only logs that it failed, and does not tell why.
    private static void requireFree(String host, int port) {
        try (var probe = ServerSocketChannel.open()) {
            probe.bind(new InetSocketAddress(host, port));
        } catch (IOException e) {
            throw cannotBind(host, port, e);
        } catch (UnresolvedAddressException e) {
            throw cannotBind(host, port, new UnknownHostException("there is no such host"));
        }
    }

    private static UncheckedIOException cannotBind(String host, int port, IOException reason) {
        return new UncheckedIOException("%s port %d cannot be bound: %s".formatted(host, port, reason.getMessage()), reason);
    }

    public int port() {
        return server.port();
    }

    /// Connections that are open.
    public int connections() {
        return connections.count();
    }

    /// Whether no new request is answered.
    public boolean isStopping() {
        lock.lock();
        try {
            return stopping;
        } finally {
            lock.unlock();
        }
    }

    // ---- a request's way

    private void track(FilterChain chain, RoutingRequest request, RoutingResponse response) {
        ClientConnection connection = ClientConnection.current();
        if (!request.content().hasEntity()) {
            connection.answering();
        }
        if (!begin()) {
            response.header(HeaderValues.CONNECTION_CLOSE);
            throw HttpFailure.of(503, "stopping", "the server is stopping");
        }
        try {
            chain.proceed();
        } finally {
            connection.idle();
            end();
        }
    }

    private boolean begin() {
        lock.lock();
        try {
            if (!stopping) {
                requests++;
            }
            return !stopping;
        } finally {
            lock.unlock();
        }
    }

    private void end() {
        lock.lock();
        try {
            requests--;
            fewer.signalAll();
        } finally {
            lock.unlock();
        }
    }

    /// The object that a request brings.
    ///
    /// @throws HttpFailure if it brings none
    public static JsonInput body(ServerRequest request) {
        String type = request.headers().first(HeaderNames.CONTENT_TYPE).orElse("");
        if (!type.strip().toLowerCase(Locale.ROOT).startsWith("application/json")) {
            // A page of another host can send all other types without asking first.
            throw HttpFailure.of(415, "unsupported_media_type", "the body must be application/json, and is '%s'".formatted(type));
        }
        byte[] body = request.content().hasEntity() ? read(request) : new byte[0];
        ClientConnection.current().answering();
        return JsonInput.parse(body);
    }

    private static byte[] read(ServerRequest request) {
        ClientConnection connection = ClientConnection.current();
        if (request.headers().contentLength().isPresent()) {
            connection.holds(request.headers().contentLength().getAsLong());
            return request.content().as(byte[].class);
        }
        try (var in = request.content().inputStream()) {
            var body = new ByteArrayOutputStream();
            byte[] part = new byte[PART_BYTES];
            for (int count = in.read(part); count >= 0; count = in.read(part)) {
                connection.holds(count);
                body.write(part, 0, count);
            }
            return body.toByteArray();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /// Answers with JSON.
    public static void send(ServerResponse response, int status, JsonNode body) {
        response.status(Status.create(status)).header(HeaderValues.CONTENT_TYPE_JSON).header(HeaderValues.create(HeaderNames.CACHE_CONTROL, "no-store"))
                .send(body.toString().getBytes(StandardCharsets.UTF_8));
    }

    // ---- failures

    private void fail(ServerRequest request, ServerResponse response, Throwable thrown) {
        switch (thrown) {
            case CloseConnectionException e -> throw e;
            case HttpException e -> fail(response, HttpFailure.of(e.status().code(), null, e.getMessage()), e.status().code());
            case HttpFailure e -> fail(response, e, e.status());
            default -> {
                HttpFailure failure = failures.apply(thrown);
                if (failure.status() == 500) {
                    LOG.error("{} {} failed", request.prologue().method(), request.path().path(), thrown);
                }
                fail(response, failure, failure.status());
            }
        }
    }

    private static void fail(ServerResponse response, HttpFailure failure, int status) {
        if (status == 429 || status == 503) {
            response.header(HeaderValues.create(HeaderNames.RETRY_AFTER, "1"));
        }
        send(response, status, failure.toJson());
    }

    /// What Helidon refuses before a route sees it.
    private static DirectHandlers directHandlers() {
        DirectHandlers.Builder handlers = DirectHandlers.builder();
        for (DirectHandler.EventType type : DirectHandler.EventType.values()) {
            handlers.addHandler(type, (_, _, status, headers, message) -> {
                headers.set(HeaderValues.CONTENT_TYPE_JSON);
                String text = message == null || message.isEmpty() ? status.reasonPhrase() : message;
                Status told = text.equals(HEADERS_TOO_LARGE) ? Status.create(431, "Request Header Fields Too Large") : status;
                return DirectHandler.TransportResponse.builder().status(told).headers(headers).keepAlive(false)
                        .entity(HttpFailure.of(told.code(), null, text).toJson().toString().getBytes(StandardCharsets.UTF_8)).build();
            });
        }
        return handlers.build();
    }

    /// Answers nothing new, and waits until what runs is answered.
    ///
    /// @param patience for how long at most
    /// @return whether all is answered
    public boolean drain(Duration patience) {
        long left = patience.toNanos();
        lock.lock();
        try {
            stopping = true;
            while (requests > 0 && left > 0) {
                left = fewer.awaitNanos(left);
            }
            return requests == 0;
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return false;
        } finally {
            lock.unlock();
        }
    }

    /// Closes all connections. Idempotent.
    @Override
    public void close() {
        lock.lock();
        try {
            stopping = true;
        } finally {
            lock.unlock();
        }
        connections.close();
        server.stop();
    }
}
