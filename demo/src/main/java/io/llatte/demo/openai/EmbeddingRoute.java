package io.llatte.demo.openai;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.helidon.webserver.http.ServerRequest;
import io.helidon.webserver.http.ServerResponse;
import io.llatte.LocalLlm;
import io.llatte.demo.http.HttpFailure;
import io.llatte.demo.http.HttpServer;
import io.llatte.demo.http.JsonInput;
import io.llatte.demo.llm.ServedModels;
import io.llatte.llama.EmbeddingOptions;
import io.llatte.llama.Embeddings;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Base64;
import java.util.List;
import java.util.Optional;

/// `/v1/embeddings`.
final class EmbeddingRoute {

    private static final int MOST_TEXTS = 2048;

    private final LocalLlm llm;
    private final ServedModels served;

    EmbeddingRoute(LocalLlm llm, ServedModels served) {
        this.llm = llm;
        this.served = served;
    }

    void answer(ServerRequest request, ServerResponse response) {
        JsonInput body = HttpServer.body(request);
        if (!body.has("input")) {
            throw body.bad("input", "is missing");
        }
        List<String> texts = body.strings("input");
        if (texts.isEmpty() || texts.size() > MOST_TEXTS) {
            throw body.bad("input", "must have 1 to %d texts, and has %d".formatted(MOST_TEXTS, texts.size()));
        }
        for (int i = 0; i < texts.size(); i++) {
            if (texts.get(i).isEmpty()) {
                throw body.bad(body.isArray("input") ? "input[%d]".formatted(i) : "input", "must not be empty");
            }
        }
        boolean base64 = switch (body.string("encoding_format").orElse("float")) {
            case "float" -> false;
            case "base64" -> true;
            default -> throw body.bad("encoding_format", "must be 'float' or 'base64'");
        };
        Optional<String> model = served.forRequest(body.string("model"));
        Embeddings embeddings;
        try (var calls = new ClientCalls()) {
            embeddings = calls.interruptibly(() -> model.map(named -> llm.embed(named, texts, EmbeddingOptions.defaults()))
                    .orElseGet(() -> llm.embed(texts, EmbeddingOptions.defaults())));
        }
        int length = embeddings.vectors()[0].length;
        if (body.integer("dimensions", 1, Integer.MAX_VALUE).orElse(length) != length) {
            throw HttpFailure.unsupported("dimensions", "the model's vectors have %d dimensions, and are not shortened".formatted(length));
        }
        HttpServer.send(response, 200, json(embeddings, base64));
    }

    private ObjectNode json(Embeddings embeddings, boolean base64) {
        ObjectNode root = JsonNodeFactory.instance.objectNode().put("object", "list");
        ArrayNode data = root.putArray("data");
        for (float[] vector : embeddings.vectors()) {
            ObjectNode node = data.addObject().put("object", "embedding").put("index", data.size() - 1);
            if (base64) {
                node.put("embedding", base64(vector));
            } else {
                ArrayNode numbers = node.putArray("embedding");
                for (float value : vector) {
                    numbers.add(value);
                }
            }
        }
        root.put("model", served.loaded().orElse(""));
        root.putObject("usage").put("prompt_tokens", embeddings.tokens()).put("total_tokens", embeddings.tokens());
        return root;
    }

    private static String base64(float[] vector) {
        var bytes = ByteBuffer.allocate(vector.length * Float.BYTES).order(ByteOrder.LITTLE_ENDIAN);
        bytes.asFloatBuffer().put(vector);
        return Base64.getEncoder().encodeToString(bytes.array());
    }
}
