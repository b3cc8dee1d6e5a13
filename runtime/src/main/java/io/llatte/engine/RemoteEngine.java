package io.llatte.engine;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.llatte.BackendUnavailableException;
import io.llatte.EngineClosedException;
import io.llatte.llama.ChatMessage;
import io.llatte.llama.FinishReason;
import io.llatte.llama.SamplingOptions;
import java.io.IOException;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Iterator;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Consumer;
import java.util.stream.Stream;

/// A model on a server that speaks OpenAI's protocol. Each request has a virtual thread of its own.
///
/// Sampling options that the protocol does not know (top-k, min-p, repeat penalty) are the server's own.
public final class RemoteEngine implements Engine {

    private static final ObjectMapper JSON = new ObjectMapper();
    private static final Duration CONNECT_TIMEOUT = Duration.ofSeconds(10);
    private static final int LONGEST_ERROR = 300;

    private final String modelId;
    private final RemoteEndpoint endpoint;
    private final PlacementReport placement;
    private final HttpClient http = HttpClient.newBuilder().connectTimeout(CONNECT_TIMEOUT).followRedirects(HttpClient.Redirect.NORMAL).build();
    private final Map<TokenChannel, Thread> running = new ConcurrentHashMap<>();
    private volatile boolean closing;

    RemoteEngine(String modelId, RemoteEndpoint endpoint, PlacementReport placement) {
        this.modelId = modelId;
        this.endpoint = endpoint;
        this.placement = placement;
    }

    @Override
    public String modelId() {
        return modelId;
    }

    @Override
    public PlacementReport placement() {
        return placement;
    }

    @Override
    public TextScore score(String context, String text) {
        throw new UnsupportedOperationException("a server that speaks OpenAI's protocol scores no given text");
    }

    @Override
    public SavedSession saveSession(Prompt prompt, Path file) {
        throw new UnsupportedOperationException("a server keeps its own cache: no session of " + modelId + " can be saved here");
    }

    @Override
    public SavedSession restoreSession(Path file) {
        throw new UnsupportedOperationException("a server keeps its own cache: no session of " + modelId + " can be restored here");
    }

    @Override
    public AnswerStream generate(GenerationRequest request, Consumer<GenerationEnd> whenEnded) {
        if (!request.adapters().isEmpty()) {
            throw new UnsupportedOperationException("a server cannot be given the %d adapters of a request".formatted(request.adapters().size()));
        }
        var channel = new TokenChannel(whenEnded);
        Thread thread = Thread.ofVirtual().name("llatte-remote").unstarted(() -> answer(request, channel));
        synchronized (running) {
            if (closing) {
                throw new EngineClosedException("the engine of " + modelId + " is closed");
            }
            running.put(channel, thread);
        }
        channel.cancelWith(thread::interrupt);
        thread.start();
        return channel;
    }

    private void answer(GenerationRequest request, TokenChannel channel) {
        var answer = new RemoteAnswer(channel);
        try {
            HttpResponse<Stream<String>> response = http.send(httpRequest(request), BodyHandlers.ofLines());
            try (Stream<String> lines = response.body()) {
                if (response.statusCode() != 200) {
                    throw refused(response.statusCode(), lines);
                }
                read(lines.iterator(), request.prompt() instanceof Prompt.Chat, answer);
            }
            answer.end();
        } catch (InterruptedException e) {
            cancelled(answer, channel);
        } catch (IOException | RuntimeException e) {
            if (channel.isCancelled() || closing) {
                cancelled(answer, channel);
            } else {
                channel.fail(e instanceof BackendUnavailableException refused ? refused
                        : new BackendUnavailableException("%s cannot be used: %s".formatted(endpoint.baseUrl(), reasonOf(e)), e));
            }
        } finally {
            running.remove(channel);
        }
    }

    private void cancelled(RemoteAnswer answer, TokenChannel channel) {
        if (channel.isCancelled()) {
            answer.end(FinishReason.CANCELLED);
        } else {
            channel.fail(new EngineClosedException("the engine of " + modelId + " was closed before the answer had ended"));
        }
    }

    private static String reasonOf(Throwable e) {
        String message = e.getMessage();
        return message == null ? e.getClass().getSimpleName() : message;
    }

    private HttpRequest httpRequest(GenerationRequest request) {
        ObjectNode body = JSON.createObjectNode().put("model", endpoint.model()).put("stream", true);
        body.putObject("stream_options").put("include_usage", true);
        if (request.maxTokens() < Integer.MAX_VALUE) {
            body.put("max_tokens", request.maxTokens());
        }
        SamplingOptions sampling = request.sampling();
        body.put("temperature", sampling.temperature()).put("top_p", sampling.topP())
                .put("frequency_penalty", sampling.frequencyPenalty()).put("presence_penalty", sampling.presencePenalty());
        sampling.seed().ifPresent(seed -> body.put("seed", seed));
        request.topLogprobs().ifPresent(top -> RemoteLogprobs.ask(body, request.prompt(), top));
        if (!request.stop().isEmpty()) {
            request.stop().forEach(body.putArray("stop")::add);
        }
        String path = switch (request.prompt()) {
            case Prompt.Chat chat -> {
                var array = body.putArray("messages");
                for (ChatMessage message : chat.messages()) {
                    RemoteMedia.write(message, array.addObject().put("role", message.role()));
                }
                yield "chat/completions";
            }
            case Prompt.Infill(var prefix, var suffix) -> {
                body.put("prompt", prefix).put("suffix", suffix);
                yield "completions";
            }
            case Prompt.Text(var text) -> {
                body.put("prompt", text);
                yield "completions";
            }
        };
        var builder = HttpRequest.newBuilder(endpoint.resolve(path)).header("Content-Type", "application/json")
                .header("Accept", "text/event-stream")
                .POST(BodyPublishers.ofString(body.toString(), StandardCharsets.UTF_8));
        if (!endpoint.apiKey().isEmpty()) {
            builder.header("Authorization", "Bearer " + endpoint.apiKey());
        }
        return builder.build();
    }

    /// The answer's first words, without the key should the server repeat it.
    private BackendUnavailableException refused(int status, Stream<String> lines) {
        String body = String.join(" ", lines.limit(20).toList());
        if (!endpoint.apiKey().isEmpty()) {
            body = body.replace(endpoint.apiKey(), "***");
        }
        String reason = body.length() > LONGEST_ERROR ? body.substring(0, LONGEST_ERROR) + "…" : body;
        return new BackendUnavailableException("%s answered %d: %s".formatted(endpoint.baseUrl(), status, reason));
    }

    /// Server-sent events: `data: {…}` for each piece, `data: [DONE]` at the end.
    private void read(Iterator<String> lines, boolean chat, RemoteAnswer answer) throws IOException {
        while (lines.hasNext()) {
            String line = lines.next();
            if (!line.startsWith("data:")) {
                continue;
            }
            String data = line.substring("data:".length()).strip();
            if (data.equals("[DONE]")) {
                return;
            }
            var event = JSON.readTree(data);
            if (event.has("error")) {
                throw new BackendUnavailableException("%s failed: %s".formatted(endpoint.baseUrl(), event.path("error").path("message").asText()));
            }
            var choice = event.path("choices").path(0);
            String text = chat ? choice.path("delta").path("content").asText("") : choice.path("text").asText("");
            answer.add(text, RemoteLogprobs.read(choice.path("logprobs")));
            if (choice.path("finish_reason").isTextual()) {
                answer.finished(choice.path("finish_reason").asText());
            }
            if (event.path("usage").isObject()) {
                answer.usage(event.path("usage"));
            }
        }
    }

    @Override
    public void waitForReaders(boolean waits) {
        // What the server sends is taken as it comes.
    }

    @Override
    public void close() {
        synchronized (running) {
            closing = true;
        }
        for (Thread thread : Set.copyOf(running.values())) {
            thread.interrupt();
            join(thread);
        }
        http.shutdownNow();
    }

    private static void join(Thread thread) {
        boolean interrupted = false;
        while (thread.isAlive() && thread != Thread.currentThread()) {
            try {
                thread.join();
            } catch (InterruptedException e) {
                interrupted = true;
            }
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }
}
