package io.llatte.engine;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.llatte.BackendUnavailableException;
import io.llatte.EngineClosedException;
import io.llatte.llama.EmbeddingOptions;
import io.llatte.llama.EmbeddingOptions.LongText;
import io.llatte.llama.Embeddings;
import io.llatte.llama.Pooling;
import io.llatte.llama.Reranking;
import java.io.IOException;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.BooleanSupplier;

/// Vectors and ranks from a server: OpenAI's `embeddings`, and `rerank` as llama.cpp's server, Jina and others know it. Pooling and what becomes
/// of long texts are the server's own.
final class RemoteEmbeddings {

    private static final ObjectMapper JSON = new ObjectMapper();
    private static final int TEXTS_A_REQUEST = 256;
    private static final int LONGEST_ERROR = 300;
    private static final int CANCEL_POLL_MILLIS = 50;

    private final String modelId;
    private final RemoteEndpoint endpoint;
    private final HttpClient http;
    private final Set<CompletableFuture<?>> running = ConcurrentHashMap.newKeySet();
    private volatile boolean closing;

    RemoteEmbeddings(String modelId, RemoteEndpoint endpoint, HttpClient http) {
        this.modelId = modelId;
        this.endpoint = endpoint;
        this.http = http;
    }

    Embeddings embed(List<String> texts, EmbeddingOptions options, BooleanSupplier cancelled) {
        if (options.pooling() != Pooling.MODEL || options.longText() != LongText.REFUSE) {
            throw new UnsupportedOperationException("a server pools as it was started to, and splits no texts: " + options);
        }
        float[][] vectors = new float[texts.size()][];
        long tokens = 0;
        for (int from = 0; from < texts.size(); from += TEXTS_A_REQUEST) {
            List<String> part = texts.subList(from, Math.min(texts.size(), from + TEXTS_A_REQUEST));
            ObjectNode body = JSON.createObjectNode().put("model", endpoint.model()).put("encoding_format", "float");
            part.forEach(body.putArray("input")::add);
            JsonNode answer = post("embeddings", body, cancelled);
            List<JsonNode> data = inOrder(answer.path("data"), part.size());
            for (int i = 0; i < part.size(); i++) {
                vectors[from + i] = vector(data.get(i).path("embedding"));
            }
            tokens += answer.path("usage").path("prompt_tokens").asLong();
        }
        var embeddings = new Embeddings(vectors, tokens);
        return options.normalize() ? embeddings.normalized() : embeddings;
    }

    Reranking rerank(String query, List<String> documents, BooleanSupplier cancelled) {
        if (documents.isEmpty()) {
            return new Reranking(List.of(), 0);
        }
        ObjectNode body = JSON.createObjectNode().put("model", endpoint.model()).put("query", query);
        documents.forEach(body.putArray("documents")::add);
        JsonNode answer = post("rerank", body, cancelled);
        List<JsonNode> results = inOrder(answer.path("results"), documents.size());
        List<Reranking.Document> ranked = new ArrayList<>();
        for (int i = 0; i < results.size(); i++) {
            JsonNode score = results.get(i).path("relevance_score");
            if (!score.isNumber()) {
                throw unusable("a result of rerank has no relevance_score");
            }
            ranked.add(new Reranking.Document(i, score.floatValue()));
        }
        return new Reranking(ranked, answer.path("usage").path("total_tokens").asLong());
    }

    /// The entries by their index, of which each must be there once.
    private List<JsonNode> inOrder(JsonNode entries, int count) {
        var ordered = new JsonNode[count];
        for (JsonNode entry : entries) {
            int index = entry.path("index").asInt(-1);
            if (index < 0 || index >= count || ordered[index] != null) {
                throw unusable("an entry has the index %s of %d".formatted(entry.path("index"), count));
            }
            ordered[index] = entry;
        }
        if (entries.size() != count) {
            throw unusable("%d entries came for %d texts".formatted(entries.size(), count));
        }
        return List.of(ordered);
    }

    private float[] vector(JsonNode numbers) {
        if (!numbers.isArray() || numbers.isEmpty() || !numbers.get(0).isNumber()) {
            throw unusable("an embedding is no list of numbers");
        }
        float[] vector = new float[numbers.size()];
        for (int i = 0; i < vector.length; i++) {
            vector[i] = numbers.get(i).floatValue();
        }
        return vector;
    }

    private JsonNode post(String path, ObjectNode body, BooleanSupplier cancelled) {
        var builder = HttpRequest.newBuilder(endpoint.resolve(path)).header("Content-Type", "application/json")
                .POST(BodyPublishers.ofString(body.toString(), StandardCharsets.UTF_8));
        if (!endpoint.apiKey().isEmpty()) {
            builder.header("Authorization", "Bearer " + endpoint.apiKey());
        }
        CompletableFuture<HttpResponse<String>> answer = http.sendAsync(builder.build(), BodyHandlers.ofString(StandardCharsets.UTF_8));
        running.add(answer);
        try {
            if (closing) {
                answer.cancel(true);
            }
            HttpResponse<String> response = await(answer, cancelled);
            if (response.statusCode() != 200) {
                throw new BackendUnavailableException("%s answered %d: %s".formatted(endpoint.baseUrl(), response.statusCode(),
                        shortly(response.body())));
            }
            return JSON.readTree(response.body());
        } catch (InterruptedException e) {
            answer.cancel(true);
            Thread.currentThread().interrupt();
            throw new CancellationException("interrupted while a server was waited for");
        } catch (CancellationException e) {
            throw closing ? new EngineClosedException("the engine of " + modelId + " was closed before the server had answered", e) : e;
        } catch (ExecutionException | IOException e) {
            if (closing) {
                throw new EngineClosedException("the engine of " + modelId + " was closed before the server had answered", e);
            }
            throw new BackendUnavailableException("%s cannot be used: %s".formatted(endpoint.baseUrl(), e.getMessage()), e);
        } finally {
            running.remove(answer);
        }
    }

    private static HttpResponse<String> await(CompletableFuture<HttpResponse<String>> answer, BooleanSupplier cancelled)
            throws InterruptedException, ExecutionException {
        while (true) {
            if (cancelled.getAsBoolean()) {
                answer.cancel(true);
            }
            try {
                return answer.get(CANCEL_POLL_MILLIS, TimeUnit.MILLISECONDS);
            } catch (TimeoutException e) {
                // Asks again.
            }
        }
    }

    /// Without the key, should the server repeat it.
    private String shortly(String text) {
        String said = endpoint.apiKey().isEmpty() ? text : text.replace(endpoint.apiKey(), "***");
        return said.length() > LONGEST_ERROR ? said.substring(0, LONGEST_ERROR) + "…" : said;
    }

    private BackendUnavailableException unusable(String reason) {
        return new BackendUnavailableException("%s cannot be used: %s".formatted(endpoint.baseUrl(), reason));
    }

    void close() {
        closing = true;
        running.forEach(answer -> answer.cancel(true));
    }
}
