package io.llatte.demo.serve;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.llatte.LocalLlm;
import io.llatte.demo.TestModel;
import io.llatte.demo.http.AccessRules;
import io.llatte.demo.http.HttpLimits;
import io.llatte.engine.EngineOptions;
import io.llatte.memory.MemoryBudget;
import io.llatte.model.CatalogModel;
import io.llatte.model.ModelCatalog;
import io.llatte.model.ModelStore;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;

/// A server on a free port, whose store has two tiny models, `first.gguf` and `second.gguf`, or what a test puts there.
final class ServerFixture implements AutoCloseable {

    static final String FIRST = "first.gguf";
    static final String SECOND = "second.gguf";

    private static final ObjectMapper JSON = new ObjectMapper();

    final LlatteServer server;
    final HttpClient client = HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();
    private final Path folder;

    private ServerFixture(Builder builder) {
        folder = builder.folder;
        ModelStore store = ModelStore.builder().folder(folder).catalog(builder.catalog).offline(builder.offline).build();
        var options = new ServeOptions("127.0.0.1", 0, new AccessRules(builder.apiKey, true, builder.origins, List.of()), builder.limits,
                builder.engine.build(), builder.budget, Optional.empty(), builder.switchByRequest);
        server = new LlatteServer(options, store, LocalLlm.builder().withoutPreference());
    }

    static Builder builder() {
        return new Builder();
    }

    /// Collects what a server is made with.
    static final class Builder {

        private final Path folder;
        private Optional<String> apiKey = Optional.empty();
        private List<String> origins = List.of();
        private HttpLimits limits = HttpLimits.defaults();
        private MemoryBudget budget = MemoryBudget.unlimited();
        private boolean switchByRequest;
        private ModelCatalog catalog = ModelCatalog.builtIn();
        private boolean offline = true;
        final EngineOptions.Builder engine = EngineOptions.builder();

        private Builder() {
            try {
                folder = Files.createTempDirectory("llatte-server");
                copy(Path.of(TestModel.tiny()), FIRST);
                copy(Path.of(TestModel.tiny()), SECOND);
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }

        /// Adds a model to the store.
        Builder copy(Path model, String name) throws IOException {
            Files.copy(model, folder.resolve(name));
            return this;
        }

        /// Knows these models too.
        Builder catalog(CatalogModel... models) {
            catalog = ModelCatalog.builtIn().with(models);
            return this;
        }

        /// Fetches what is not there.
        Builder online() {
            offline = false;
            return this;
        }

        Builder apiKey(String value) {
            apiKey = Optional.of(value);
            return this;
        }

        Builder origins(String... values) {
            origins = List.of(values);
            return this;
        }

        Builder limits(HttpLimits value) {
            limits = value;
            return this;
        }

        Builder budget(MemoryBudget value) {
            budget = value;
            return this;
        }

        Builder switchByRequest() {
            switchByRequest = true;
            return this;
        }

        ServerFixture start() {
            return new ServerFixture(this);
        }
    }

    Path folder() {
        return folder;
    }

    LocalLlm llm() {
        return server.llm();
    }

    /// Loads a model of the store.
    ServerFixture load(String name) {
        llm().init(folder.resolve(name).toString());
        return this;
    }

    URI uri(String path) {
        return URI.create("http://127.0.0.1:%d%s".formatted(server.port(), path));
    }

    HttpRequest.Builder request(String path) {
        return HttpRequest.newBuilder(uri(path));
    }

    HttpResponse<String> get(String path) {
        return send(request(path).build());
    }

    HttpResponse<String> post(String path, String body) {
        return send(request(path).header("Content-Type", "application/json").POST(HttpRequest.BodyPublishers.ofString(body)).build());
    }

    HttpResponse<String> send(HttpRequest request) {
        try {
            return client.send(request, HttpResponse.BodyHandlers.ofString());
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }

    static JsonNode json(HttpResponse<String> response) {
        return json(response.body());
    }

    static JsonNode json(String text) {
        try {
            return JSON.readTree(text);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    JsonNode status() {
        return json(get("/api/status"));
    }

    @Override
    public void close() {
        client.close();
        server.close();
        try (Stream<Path> files = Files.walk(folder)) {
            files.sorted(java.util.Comparator.reverseOrder()).forEach(file -> file.toFile().delete());
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
