package io.llatte.demo.serve;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.nio.charset.StandardCharsets;

/// A client that does as it is told, and not as HTTP would have it.
final class RawClient implements AutoCloseable {

    private static final String LAST_CHUNK = "\r\n0\r\n\r\n";

    private final Socket socket;
    private final BufferedReader reader;

    RawClient(int port) throws IOException {
        this(port, 0);
    }

    private RawClient(int port, int receiveBuffer) throws IOException {
        socket = new Socket();
        if (receiveBuffer > 0) {
            socket.setReceiveBufferSize(receiveBuffer);
        }
        socket.connect(new InetSocketAddress(InetAddress.getLoopbackAddress(), port));
        reader = new BufferedReader(new InputStreamReader(socket.getInputStream(), StandardCharsets.UTF_8));
    }

    /// One whose system keeps little of what it does not read.
    static RawClient withSmallBuffer(int port) throws IOException {
        return new RawClient(port, 4096);
    }

    RawClient send(String text) throws IOException {
        socket.getOutputStream().write(text.getBytes(StandardCharsets.UTF_8));
        socket.getOutputStream().flush();
        return this;
    }

    RawClient post(String path, String body) throws IOException {
        int length = body.getBytes(StandardCharsets.UTF_8).length;
        return send("POST %s HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s".formatted(path, length, body));
    }

    /// The next line, or null at the end.
    String line() throws IOException {
        return reader.readLine();
    }

    /// Reads on until a line has a text.
    ///
    /// @throws IOException if the connection ends before
    String lineWith(String text) throws IOException {
        String line = line();
        while (line != null && !line.contains(text)) {
            line = line();
        }
        if (line == null) {
            throw new IOException("the connection ended before a line with " + text);
        }
        return line;
    }

    /// Reads a chunked answer to its end, and as little as can be of what it says.
    void skipAnswer() throws IOException {
        byte[] buffer = new byte[8192];
        String tail = "";
        while (!tail.endsWith(LAST_CHUNK)) {
            int count = socket.getInputStream().read(buffer);
            if (count < 0) {
                throw new IOException("the connection ended before the answer");
            }
            tail += new String(buffer, Math.max(0, count - LAST_CHUNK.length()), Math.min(count, LAST_CHUNK.length()), StandardCharsets.ISO_8859_1);
        }
    }

    /// Waits for the server to close the connection.
    void awaitEnd() throws IOException {
        try {
            while (reader.read() >= 0) {
                // Whatever it says before.
            }
        } catch (java.net.SocketException reset) {
            // That is an end too.
        }
    }

    /// Lets the connection end with a reset.
    void reset() throws IOException {
        socket.setSoLinger(true, 0);
        socket.close();
    }

    @Override
    public void close() throws IOException {
        socket.close();
    }
}
