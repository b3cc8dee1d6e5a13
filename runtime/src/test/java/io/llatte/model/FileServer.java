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
import java.util.concurrent.atomic.AtomicLong;

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
    private volatile boolean refusesRanges;
    private volatile String etag = "\"1\"";
    private final Map<String, Answer> answers = new ConcurrentHashMap<>();
    private final List<String> authorizations = new CopyOnWriteArrayList<>();
    private final AtomicLong servedBytes = new AtomicLong();

    /// An answer that is no file.
    private record Answer(int status, Map<String, String> headers, byte[] body) {
    }

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

    /// Whether any range is out of the question.
    void refuseRanges(boolean value) {
        refusesRanges = value;
    }

    /// Lets a path, with its query, answer with this and not with a file. A redirect has a `Location`.
    void answer(String path, int status, Map<String, String> headers, String body) {
        answers.put(path, new Answer(status, headers, body.getBytes(StandardCharsets.UTF_8)));
    }

    /// What came as `Authorization`, one entry for each request, empty where nothing came.
    List<String> authorizations() {
        return List.copyOf(authorizations);
    }

    /// Bytes of files that were sent, all requests together.
    long servedBytes() {
        return servedBytes.get();
    }

    /// One line for each request: its method unless it is GET, path, then the range if there is one.
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
            String line = in.readLine();
            if (line == null) {
                return;     // the client gave up
            }
            String[] request = line.split(" ");
            var headers = new HashMap<String, String>();
            for (line = in.readLine(); !line.isEmpty(); line = in.readLine()) {
                headers.put(line.substring(0, line.indexOf(':')).toLowerCase(Locale.ROOT), line.substring(line.indexOf(':') + 1).strip());
            }
            answer(request[0].equals("HEAD"), request[1], headers, client.getOutputStream());
        } catch (IOException | InterruptedException e) {
            faults.add(e);
        }
    }

    private void answer(boolean headOnly, String path, Map<String, String> headers, OutputStream out) throws IOException, InterruptedException {
        String range = headers.get("range");
        requests.add((headOnly ? "HEAD " : "") + path + (range == null ? "" : " " + range));
        authorizations.add(headers.getOrDefault("authorization", ""));
        Answer answer = answers.get(path);
        byte[] content = files.get(path);
        if (answer == null && (content == null || range != null && refusesRanges)) {
            answer = new Answer(content == null ? 404 : 416, Map.of(), new byte[0]);
        }
        if (answer != null) {
            var head = new StringBuilder("HTTP/1.1 %d Answer\r\nContent-Length: %d\r\nConnection: close\r\n".formatted(
                    answer.status(), answer.body().length));
            answer.headers().forEach((name, value) -> head.append(name).append(": ").append(value).append("\r\n"));
            out.write(head.append("\r\n").toString().getBytes(StandardCharsets.ISO_8859_1));
            out.write(answer.body(), 0, headOnly ? 0 : answer.body().length);
            return;
        }
        int from = range != null && etag.equals(headers.getOrDefault("if-range", etag)) ? Integer.parseInt(range.replaceAll("\\D", "")) : 0;
        String head = from == 0 ? "HTTP/1.1 200 OK\r\n"
                : "HTTP/1.1 206 Partial Content\r\nContent-Range: bytes %d-%d/%d\r\n".formatted(from, content.length - 1, content.length);
        head += "Content-Type: %s\r\nETag: %s\r\nContent-Length: %d\r\nConnection: close\r\n\r\n"
                .formatted(path.endsWith("/") ? "text/html" : "application/octet-stream", etag, content.length - from);
        out.write(head.getBytes(StandardCharsets.ISO_8859_1));
        if (!headOnly) {
            write(out, content, from);
        }
    }

    private void write(OutputStream out, byte[] content, int from) throws IOException, InterruptedException {
        int end = (int) Math.min(content.length, (long) from + breakAfter);
        for (int at = from; at < end; at += 16384) {
            int n = Math.min(16384, end - at);
            out.write(content, at, n);
            out.flush();
            servedBytes.addAndGet(n);
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
