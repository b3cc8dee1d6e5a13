package io.llatte.demo.http;

import io.helidon.common.buffers.BufferData;
import io.helidon.common.buffers.DataReader;
import io.helidon.common.buffers.DataWriter;
import io.helidon.common.socket.HelidonSocket;
import io.helidon.common.socket.PeerInfo;
import io.helidon.webserver.CloseConnectionException;
import io.helidon.webserver.ConnectionContext;
import io.helidon.webserver.ListenerContext;
import io.helidon.webserver.ProxyProtocolData;
import io.helidon.webserver.Router;
import java.io.UncheckedIOException;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;

/// A client's connection, as its HTTP/1.1 protocol sees it. While a request is answered it reads ahead, and so learns of a client that goes away when
/// nothing is written to it; and it knows for how long the client has let the server wait.
///
/// A client that closes its half of the connection after its request is taken for gone.
public final class ClientConnection implements ConnectionContext {

    private static final ScopedValue<ClientConnection> CURRENT = ScopedValue.newInstance();

    /// What the client is waited for.
    private enum Phase {
        /// Nothing was sent since the last answer.
        IDLE,
        /// A request has begun and is not whole.
        RECEIVING,
        /// The client waits.
        ANSWERING
    }

    private final ConnectionContext context;
    private final BodyBudget bodies;
    private final DataReader reader;
    private final DataWriter writer;
    private volatile Phase phase = Phase.IDLE;
    private volatile long phaseSince = System.nanoTime();
    /// Of the budget; the protocol's thread alone.
    private long held;
    /// 0 where nothing is being written.
    private volatile long writingSince;

    // Guarded by this.
    private CompletableFuture<byte[]> ahead;
    private Runnable whenGone;
    private boolean gone;

    /// @param bodies what all connections share
    ClientConnection(ConnectionContext context, BodyBudget bodies) {
        this.context = context;
        this.bodies = bodies;
        this.reader = DataReader.create(this::receive);
        this.writer = new TimedWriter(context.dataWriter());
    }

    /// The connection whose request this thread answers.
    ///
    /// @throws java.util.NoSuchElementException outside a request
    public static ClientConnection current() {
        return CURRENT.get();
    }

    /// Runs the connection's protocol.
    void run(ScopedValue.CallableOp<Void, InterruptedException> protocol) throws InterruptedException {
        ScopedValue.where(CURRENT, this).call(protocol);
    }

    // ---- reading

    /// What the client sends next; null at its end. The protocol's thread.
    private byte[] receive() {
        byte[] bytes = next();
        if (bytes != null && phase == Phase.IDLE) {
            enter(Phase.RECEIVING);
        }
        return bytes;
    }

    private byte[] next() {
        CompletableFuture<byte[]> begun;
        synchronized (this) {
            begun = ahead;
            ahead = null;
        }
        if (begun == null) {
            return read();
        }
        try {
            return begun.get();
        } catch (ExecutionException e) {
            throw new CloseConnectionException("the client's connection broke", e.getCause());
        } catch (InterruptedException e) {
            cutOff();
            Thread.currentThread().interrupt();
            throw new CloseConnectionException("the server stops", e);
        }
    }

    private byte[] read() {
        try {
            return context.dataReader().readBuffer().readBytes();
        } catch (DataReader.InsufficientDataAvailableException _) {
            return null;
        }
    }

    private CompletableFuture<byte[]> readAhead() {
        var result = new CompletableFuture<byte[]>();
        Thread.ofVirtual().name("llatte-client-watch").start(() -> {
            try {
                byte[] bytes = read();
                if (bytes == null) {
                    left();
                }
                result.complete(bytes);
            } catch (RuntimeException e) {
                left();
                result.completeExceptionally(e);
            }
        });
        return result;
    }

    private void left() {
        Runnable tell;
        synchronized (this) {
            gone = true;
            tell = whenGone;
            whenGone = null;
        }
        if (tell != null) {
            tell.run();
        }
    }

    /// Calls back, on any thread, when the client goes away before the watch is closed; at once, where it has gone. The request is to be read to its end
    /// before. One that has sent its next request already is not seen to go.
    public Watch watch(Runnable whenClientIsGone) {
        boolean late;
        synchronized (this) {
            late = gone;
            whenGone = late ? null : whenClientIsGone;
            if (ahead == null && !late) {
                ahead = readAhead();
            }
        }
        if (late) {
            whenClientIsGone.run();
        }
        return () -> {
            synchronized (this) {
                whenGone = null;
            }
        };
    }

    /// Watches a client until it is closed.
    @FunctionalInterface
    public interface Watch extends AutoCloseable {

        @Override
        void close();
    }

    // ---- time

    /// The request is whole: from here on the client waits for the server.
    void answering() {
        enter(Phase.ANSWERING);
    }

    /// The request brings a body, which is held until it is answered.
    void holds(long bodyBytes) {
        held += bodies.reserve(bodyBytes);
    }

    /// The request is answered.
    void idle() {
        bodies.release(held);
        held = 0;
        enter(Phase.IDLE);
    }

    private void enter(Phase next) {
        phase = next;
        phaseSince = System.nanoTime();
    }

    /// Since when it waits for the client's next request, in the time of [System#nanoTime()]; [Long#MAX_VALUE] where it does not.
    long idleSince() {
        long since = phaseSince;
        return phase == Phase.IDLE ? since : Long.MAX_VALUE;
    }

    /// Whether the client lets the server wait for longer than it may.
    boolean isOverdue(long now, HttpLimits limits) {
        long writing = writingSince;
        if (writing != 0 && now - writing > limits.writeTimeout().toNanos()) {
            return true;
        }
        long waited = now - phaseSince;
        return switch (phase) {
            case IDLE -> waited > limits.idleTimeout().toNanos();
            case RECEIVING -> waited > limits.requestTimeout().toNanos();
            case ANSWERING -> false;
        };
    }

    /// Closes the connection under whoever reads or writes.
    void cutOff() {
        try {
            context.serverSocket().close();
        } catch (UncheckedIOException _) {
            // It was closed already.
        }
    }

    /// Remembers since when a write waits for its client.
    private final class TimedWriter implements DataWriter {

        private final DataWriter target;

        private TimedWriter(DataWriter target) {
            this.target = target;
        }

        private void timed(Runnable write) {
            writingSince = System.nanoTime() | 1;
            try {
                write.run();
            } finally {
                writingSince = 0;
            }
        }

        @Override
        public void write(BufferData... buffers) {
            timed(() -> target.write(buffers));
        }

        @Override
        public void write(BufferData buffer) {
            timed(() -> target.write(buffer));
        }

        @Override
        public void writeNow(BufferData... buffers) {
            timed(() -> target.writeNow(buffers));
        }

        @Override
        public void writeNow(BufferData buffer) {
            timed(() -> target.writeNow(buffer));
        }

        @Override
        public void flush() {
            timed(target::flush);
        }

        @Override
        public void close() {
            target.close();
        }
    }

    // ---- what the protocol is told

    @Override
    public DataReader dataReader() {
        return reader;
    }

    @Override
    public DataWriter dataWriter() {
        return writer;
    }

    @Override
    public ListenerContext listenerContext() {
        return context.listenerContext();
    }

    @Override
    public ExecutorService executor() {
        return context.executor();
    }

    @Override
    public Router router() {
        return context.router();
    }

    @Override
    public Optional<ProxyProtocolData> proxyProtocolData() {
        return context.proxyProtocolData();
    }

    @Override
    public HelidonSocket serverSocket() {
        return context.serverSocket();
    }

    @Override
    public PeerInfo remotePeer() {
        return context.remotePeer();
    }

    @Override
    public PeerInfo localPeer() {
        return context.localPeer();
    }

    @Override
    public boolean isSecure() {
        return context.isSecure();
    }

    @Override
    public String socketId() {
        return context.socketId();
    }

    @Override
    public String childSocketId() {
        return context.childSocketId();
    }
}
