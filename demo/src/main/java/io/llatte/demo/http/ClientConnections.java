package io.llatte.demo.http;

import io.helidon.common.buffers.BufferData;
import io.helidon.common.concurrency.limits.Limit;
import io.helidon.common.task.InterruptableTask;
import io.helidon.webserver.ConnectionContext;
import io.helidon.webserver.http1.Http1Connection;
import io.helidon.webserver.http1.Http1ConnectionSelector;
import io.helidon.webserver.spi.ServerConnection;
import io.helidon.webserver.spi.ServerConnectionSelector;
import java.time.Duration;
import java.util.Comparator;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// All connections of a server. Closes those whose clients let it wait for too long, whatever they wait in: a request line, headers, a body, or bytes that
/// they do not take.
final class ClientConnections implements ServerConnectionSelector, AutoCloseable {

    private static final Logger LOG = LoggerFactory.getLogger(ClientConnections.class);
    private static final Duration LOOK = Duration.ofMillis(250);

    private final Http1ConnectionSelector http1;
    private final HttpLimits limits;
    private final BodyBudget bodies = new BodyBudget();
    private final Set<ClientConnection> open = ConcurrentHashMap.newKeySet();
    private final ScheduledExecutorService clock = Executors.newSingleThreadScheduledExecutor(
            Thread.ofPlatform().daemon().name("llatte-http-clock").factory());

    ClientConnections(Http1ConnectionSelector http1, HttpLimits limits) {
        this.http1 = http1;
        this.limits = limits;
        clock.scheduleAtFixedRate(this::closeOverdue, LOOK.toMillis(), LOOK.toMillis(), TimeUnit.MILLISECONDS);
    }

    int count() {
        return open.size();
    }

    private void closeOverdue() {
        long now = System.nanoTime();
        for (ClientConnection connection : open) {
            if (connection.isOverdue(now, limits)) {
                LOG.debug("{} let the server wait for too long", connection.remotePeer());
                connection.cutOff();
            }
        }
    }

    @Override
    public int bytesToIdentifyConnection() {
        return http1.bytesToIdentifyConnection();
    }

    @Override
    public Support supports(BufferData data) {
        return http1.supports(data);
    }

    @Override
    public Set<String> supportedApplicationProtocols() {
        return http1.supportedApplicationProtocols();
    }

    @Override
    public ServerConnection connection(ConnectionContext context) {
        var connection = new ClientConnection(context, bodies);
        return new Tracked(connection, (Http1Connection) http1.connection(connection));
    }

    /// Makes room for one more.
    private void admit(ClientConnection connection) {
        open.add(connection);
        if (open.size() > limits.maxConnections()) {
            open.stream().filter(each -> each != connection).min(Comparator.comparingLong(ClientConnection::idleSince)).ifPresent(idlest -> {
                LOG.debug("{} connections are open: closing the one that is idle longest", open.size());
                ClientConnection closed = idlest.idleSince() == Long.MAX_VALUE ? connection : idlest;
                open.remove(closed);
                closed.cutOff();
            });
        }
    }

    @Override
    public void close() {
        clock.shutdownNow();
        open.forEach(ClientConnection::cutOff);
    }

    /// A connection while it is open.
    private final class Tracked implements ServerConnection, InterruptableTask<Void> {

        private final ClientConnection connection;
        private final Http1Connection protocol;

        private Tracked(ClientConnection connection, Http1Connection protocol) {
            this.connection = connection;
            this.protocol = protocol;
        }

        @Override
        public void handle(Limit limit) throws InterruptedException {
            admit(connection);
            try {
                connection.run(() -> {
                    protocol.handle(limit);
                    return null;
                });
            } finally {
                open.remove(connection);
            }
        }

        @Override
        public Duration idleTime() {
            return protocol.idleTime();
        }

        @Override
        public void close(boolean interrupt) {
            protocol.close(interrupt);
        }

        @Override
        public boolean canInterrupt() {
            return protocol.canInterrupt();
        }
    }
}
