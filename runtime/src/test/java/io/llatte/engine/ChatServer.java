package io.llatte.engine;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.Executors;
import java.util.concurrent.LinkedBlockingQueue;

/// A server that speaks OpenAI's protocol, on a port of its own.
public final class ChatServer implements AutoCloseable {

    public static final String KEY = "sk-secret-of-the-test";

    /// What a request carried.
    public record Request(String path, String authorization, String body) {
    }

    /// What the server does with a request.
    @FunctionalInterface
    public interface Answer {
        void to(HttpExchange exchange) throws IOException;
    }

    private final HttpServer server;
    private final BlockingQueue<Request> requests = new LinkedBlockingQueue<>();
    private volatile Answer answer = exchange -> stream(exchange, List.of("Hel", "lo", " there"), "stop");

    public ChatServer() throws IOException {
        server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        server.setExecutor(Executors.newVirtualThreadPerTaskExecutor());
        server.createContext("/v1/", exchange -> {
            try (exchange) {
                String body = new String(exchange.getRequestBody().readAllBytes(), StandardCharsets.UTF_8);
                requests.add(new Request(exchange.getRequestURI().getPath(), exchange.getRequestHeaders().getFirst("Authorization"), body));
                answer.to(exchange);
            }
        });
        server.start();
    }

    public void answers(Answer newAnswer) {
        answer = newAnswer;
    }

    public RemoteEndpoint endpoint() {
        return new RemoteEndpoint(URI.create("http://localhost:" + server.getAddress().getPort() + "/v1"), "remote-model", KEY);
    }

    public List<Request> requests() {
        return List.copyOf(requests);
    }

    public static void stream(HttpExchange exchange, List<String> pieces, String finishReason) throws IOException {
        exchange.getResponseHeaders().set("Content-Type", "text/event-stream");
        exchange.sendResponseHeaders(200, 0);
        boolean chat = exchange.getRequestURI().getPath().endsWith("chat/completions");
        for (String piece : pieces) {
            send(exchange, chat ? "{\"choices\":[{\"delta\":{\"content\":\"%s\"}}]}".formatted(piece) : "{\"choices\":[{\"text\":\"%s\"}]}".formatted(piece));
        }
        send(exchange, "{\"choices\":[{\"delta\":{},\"finish_reason\":\"%s\"}]}".formatted(finishReason));
        send(exchange, "{\"choices\":[],\"usage\":{\"prompt_tokens\":7,\"completion_tokens\":%d,\"prompt_tokens_details\":{\"cached_tokens\":2}}}"
                .formatted(pieces.size()));
        send(exchange, "[DONE]");
    }

    static void send(HttpExchange exchange, String data) throws IOException {
        exchange.getResponseBody().write(("data: " + data + "\n\n").getBytes(StandardCharsets.UTF_8));
        exchange.getResponseBody().flush();
    }

    static void refuse(HttpExchange exchange, int status, String body) throws IOException {
        byte[] bytes = body.getBytes(StandardCharsets.UTF_8);
        exchange.sendResponseHeaders(status, bytes.length);
        exchange.getResponseBody().write(bytes);
    }

    @Override
    public void close() {
        server.stop(0);
    }
}
