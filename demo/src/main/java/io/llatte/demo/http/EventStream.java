package io.llatte.demo.http;

import io.helidon.http.HeaderNames;
import io.helidon.http.HeaderValues;
import io.helidon.webserver.CloseConnectionException;
import io.helidon.webserver.http.ServerResponse;
import java.io.IOException;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;

/// Server-sent events of one answer. Each is on its way when its method returns. One thread writes at a time; the caller closes it.
public final class EventStream implements AutoCloseable {

    private final OutputStream out;

    /// Begins the answer: its status is 200 from here on.
    public EventStream(ServerResponse response) {
        response.header(HeaderValues.create(HeaderNames.CONTENT_TYPE, "text/event-stream; charset=utf-8"));
        response.header(HeaderValues.create(HeaderNames.CACHE_CONTROL, "no-store"));
        response.header(HeaderValues.create("X-Accel-Buffering", "no"));
        out = response.outputStream();
    }

    /// An event without a name.
    ///
    /// @param data one line
    /// @throws ClientGoneException if the client has gone
    public void send(String data) {
        write("data: " + data + "\n\n");
    }

    /// An event with a name.
    public void send(String name, String data) {
        write("event: " + name + "\ndata: " + data + "\n\n");
    }

    /// An event with a name and an id, from which a client that comes back goes on.
    public void send(String name, long id, String data) {
        write("id: " + id + "\nevent: " + name + "\ndata: " + data + "\n\n");
    }

    /// Something that no client sees, and that keeps what is between from closing the connection.
    public void ping() {
        write(": \n\n");
    }

    private synchronized void write(String event) {
        try {
            out.write(event.getBytes(StandardCharsets.UTF_8));
            out.flush();
        } catch (IOException | UncheckedIOException | CloseConnectionException e) {
            throw new ClientGoneException(e);
        }
    }

    @Override
    public synchronized void close() {
        try {
            out.close();
        } catch (IOException | UncheckedIOException | CloseConnectionException e) {
            throw new ClientGoneException(e);
        }
    }
}
