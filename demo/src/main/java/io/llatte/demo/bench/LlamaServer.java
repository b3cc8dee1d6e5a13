package io.llatte.demo.bench;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.MissingNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.net.HttpURLConnection;
import java.net.InetAddress;
import java.net.Proxy;
import java.net.ServerSocket;
import java.net.URI;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.LongStream;
import java.util.stream.Stream;

/// A `llama-server` that runs, and its client. The caller closes it.
///
/// Every request has a connection of its own: the server has been seen to close one between two requests that it had promised to keep.
final class LlamaServer implements AutoCloseable {

    private static final ObjectMapper JSON = new ObjectMapper();
    private static final String DATA = "data: ";
    private static final long POLL_MILLIS = 100;

    /// The largest models take minutes to load.
    private static final Duration PATIENCE = Duration.ofMinutes(10);

    private final URI address;
    private final ToolProcess process;

    /// Starts it and waits until it answers.
    ///
    /// @param command the program and its options, without address and port
    LlamaServer(List<String> command) {
        int port = freePort();
        address = URI.create("http://127.0.0.1:" + port);
        process = new ToolProcess(Stream.concat(command.stream(), Stream.of("--host", "127.0.0.1", "--port", String.valueOf(port))).toList());
        try {
            awaitReady();
        } catch (RuntimeException e) {
            close();
            throw e;
        }
    }

    private static int freePort() {
        try (var socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            return socket.getLocalPort();
        } catch (IOException e) {
            throw new BenchException("no free port: " + e.getMessage());
        }
    }

    private HttpURLConnection connect(String path) throws IOException {
        var connection = (HttpURLConnection) address.resolve(path).toURL().openConnection(Proxy.NO_PROXY);
        connection.setRequestProperty("Connection", "close");
        return connection;
    }

    private void awaitReady() {
        long end = System.nanoTime() + PATIENCE.toNanos();
        while (process.isAlive()) {
            if (System.nanoTime() > end) {
                throw new BenchException("llama-server was not ready after %d s, and says: %s".formatted(PATIENCE.toSeconds(), process.lastWords()));
            }
            try {
                HttpURLConnection connection = connect("/health");
                connection.setReadTimeout((int) PATIENCE.toMillis());
                if (connection.getResponseCode() == HttpURLConnection.HTTP_OK) {
                    return;
                }
            } catch (IOException e) {
                // It does not listen yet.
            }
            pause();
        }
        throw new BenchException("llama-server ended: " + process.lastWords());
    }

    private static void pause() {
        try {
            Thread.sleep(POLL_MILLIS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new BenchException("interrupted");
        }
    }

    /// An answer as it came.
    ///
    /// @param times by this process's clock
    /// @param timings by the server's
    record Answer(StreamTimes times, JsonNode timings) {
    }

    /// Sends a request and reads its stream of events to the end.
    Answer ask(String path, ObjectNode body) {
        try {
            byte[] bytes = JSON.writeValueAsBytes(body);
            HttpURLConnection connection = connect(path);
            connection.setDoOutput(true);
            connection.setRequestProperty("Content-Type", "application/json");
            connection.setFixedLengthStreamingMode(bytes.length);
            try (var out = connection.getOutputStream()) {
                out.write(bytes);
            }
            try (var in = new BufferedReader(new InputStreamReader(connection.getInputStream(), UTF_8))) {
                return read(in);
            }
        } catch (IOException e) {
            throw new BenchException("llama-server did not answer (%s), and says: %s".formatted(e.getMessage(), process.lastWords()));
        }
    }

    private static Answer read(BufferedReader in) throws IOException {
        // What an event says is read when all have come, so that reading delays none.
        List<String> events = new ArrayList<>();
        List<Long> times = new ArrayList<>();
        for (String line = in.readLine(); line != null; line = in.readLine()) {
            if (line.startsWith(DATA + "{")) {
                times.add(System.nanoTime());
                events.add(line.substring(DATA.length()));
            }
        }
        var arrivals = LongStream.builder();
        JsonNode timings = MissingNode.getInstance();
        int come = 0;
        for (int i = 0; i < events.size(); i++) {
            JsonNode event = JSON.readTree(events.get(i));
            timings = event.has("timings") ? event.get("timings") : timings;
            // An event may carry several tokens, where characters have to be whole, or none.
            for (int told = tokens(event); come < told; come++) {
                arrivals.add(times.get(i));
            }
        }
        if (!timings.path("prompt_n").isInt() || come == 0) {
            throw new IOException("a stream of %d events told of %d tokens and %s".formatted(events.size(), come,
                    timings.isMissingNode() ? "of no times" : timings));
        }
        return new Answer(new StreamTimes(timings.get("prompt_n").asInt(), arrivals.build().toArray()), timings);
    }

    /// The tokens that an event says have been generated so far.
    private static int tokens(JsonNode event) {
        return event.path("tokens_predicted").asInt(event.path("timings").path("predicted_n").asInt());
    }

    @Override
    public void close() {
        process.close();
    }
}
