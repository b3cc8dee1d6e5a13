package io.llatte.model;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;

/// A local HTTP server with ranges and the faults that networks have.
final class FileServer implements AutoCloseable {

    private final ServerSocket socket;
    private final ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor();
    private final Map<String, byte[]> files = new ConcurrentHashMap<>();
    private final List<Exception> faults = new CopyOnWriteArrayList<>();
    private final List<String> requests = new CopyOnWriteArrayList<>();
    private volatile int breakAfter = Integer.MAX_VALUE;
    private volatile int delayMillis;
    private volatile boolean stall;
    private volatile String etag = "\"1\"";

    FileServer() throws IOException {
        socket = new ServerSocket(0, 50, InetAddress.getLoopbackAddress());
        threads.execute(this::accept);
    }

    URI put(String path, byte[] content) {
        files.put(path, content);
        return uri(path);
    }

    URI uri(String path) {
        return URI.create("http://127.0.0.1:" + socket.getLocalPort() + path);
    }

    /// Each answer ends after that many bytes, though it promised more.
    void breakAfter(int bytes) {
        breakAfter = bytes;
    }

    /// A pause after each 16 KiB.
    void delayMillis(int millis) {
        delayMillis = millis;
    }

    /// After [#breakAfter] the connection stays open and silent.
    void stall(boolean value) {
        stall = value;
    }

    void etag(String value) {
        etag = value;
    }

    /// One line for each request: path, then the range if there is one.
    List<String> requests() {
        return List.copyOf(requests);
    }

    private void accept() {
        try {
            while (true) {
                Socket client = socket.accept();
                threads.execute(() -> answer(client));
            }
        } catch (IOException e) {
            faults.add(e);
        }
    }

    private void answer(Socket client) {
        try (client) {
            var in = new BufferedReader(new InputStreamReader(client.getInputStream(), StandardCharsets.ISO_8859_1));
            String path = in.readLine().split(" ")[1];
            var headers = new HashMap<String, String>();
            for (String line = in.readLine(); !line.isEmpty(); line = in.readLine()) {
                headers.put(line.substring(0, line.indexOf(':')).toLowerCase(Locale.ROOT), line.substring(line.indexOf(':') + 1).strip());
            }
            answer(path, headers, client.getOutputStream());
        } catch (IOException | InterruptedException e) {
            faults.add(e);
        }
    }

    private void answer(String path, Map<String, String> headers, OutputStream out) throws IOException, InterruptedException {
        String range = headers.get("range");
        requests.add(range == null ? path : path + " " + range);
        byte[] content = files.get(path);
        if (content == null) {
            out.write("HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".getBytes(StandardCharsets.ISO_8859_1));
            return;
        }
        int from = range != null && etag.equals(headers.get("if-range")) ? Integer.parseInt(range.replaceAll("\\D", "")) : 0;
        String head = from == 0 ? "HTTP/1.1 200 OK\r\n"
                : "HTTP/1.1 206 Partial Content\r\nContent-Range: bytes %d-%d/%d\r\n".formatted(from, content.length - 1, content.length);
        head += "Content-Type: %s\r\nETag: %s\r\nContent-Length: %d\r\nConnection: close\r\n\r\n"
                .formatted(path.endsWith("/") ? "text/html" : "application/octet-stream", etag, content.length - from);
        out.write(head.getBytes(StandardCharsets.ISO_8859_1));
        write(out, content, from);
    }

    private void write(OutputStream out, byte[] content, int from) throws IOException, InterruptedException {
        int end = (int) Math.min(content.length, (long) from + breakAfter);
        for (int at = from; at < end; at += 16384) {
            out.write(content, at, Math.min(16384, end - at));
            out.flush();
            Thread.sleep(delayMillis);
        }
        if (end < content.length) {
            if (stall) {
                Thread.sleep(60_000);
            }
            throw new IOException("broken on purpose");
        }
    }

    @Override
    public void close() throws IOException {
        socket.close();
        threads.shutdownNow();
    }
}
