package io.llatte.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.within;

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
import java.util.List;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CountDownLatch;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/// Against a real server on this machine.
@Timeout(30)
class RemoteEmbeddingsTest {

    private static final ObjectMapper JSON = new ObjectMapper();
    private static final EmbeddingOptions DEFAULTS = EmbeddingOptions.defaults();

    private ChatServer server;
    private RemoteEngine engine;

    @BeforeEach
    void start() throws Exception {
        server = new ChatServer();
        engine = new RemoteEngine("mine", server.endpoint(),
                new PlacementReport(PlacementPolicy.PREFER_GPU, PlacementTarget.REMOTE, List.of(), 0, 0, 0, List.of()));
    }

    @AfterEach
    void stop() {
        engine.close();
        server.close();
    }

    private void answers(String body) {
        server.answers(exchange -> ChatServer.refuse(exchange, 200, body));
    }

    @Test
    void vectors_comeByTheirIndex_andAreNormalised() {
        answers("{\"data\":[{\"index\":1,\"embedding\":[0,2]},{\"index\":0,\"embedding\":[3,4]}],\"usage\":{\"prompt_tokens\":9}}");

        Embeddings found = engine.embed(List.of("a", "b"), DEFAULTS);

        assertThat(found.tokens()).isEqualTo(9);
        assertThat(found.vectors()[0]).containsExactly(new float[] {0.6f, 0.8f}, within(1e-6f));
        assertThat(found.vectors()[1]).containsExactly(0, 1);
        assertThat(engine.embed(List.of("a", "b"), DEFAULTS.withNormalize(false)).vectors()[0]).containsExactly(3, 4);
        var request = server.requests().getFirst();
        assertThat(request.path()).isEqualTo("/v1/embeddings");
        assertThat(request.authorization()).isEqualTo("Bearer " + ChatServer.KEY);
        assertThat(request.body()).isEqualTo("{\"model\":\"remote-model\",\"encoding_format\":\"float\",\"input\":[\"a\",\"b\"]}");
    }

    @Test
    void manyTexts_goInSeveralRequests() {
        server.answers(exchange -> {
            JsonNode input = JSON.readTree(server.requests().getLast().body()).path("input");
            ObjectNode answer = JSON.createObjectNode();
            var data = answer.putArray("data");
            for (int i = 0; i < input.size(); i++) {
                data.addObject().put("index", i).putArray("embedding").add(Integer.parseInt(input.get(i).asText())).add(1);
            }
            answer.putObject("usage").put("prompt_tokens", input.size());
            ChatServer.refuse(exchange, 200, answer.toString());
        });

        Embeddings found = engine.embed(IntStream.range(0, 1000).mapToObj(String::valueOf).toList(), DEFAULTS.withNormalize(false));

        assertThat(server.requests()).hasSize(4);
        assertThat(found.tokens()).isEqualTo(1000);
        assertThat(found.vectors()[999]).containsExactly(999, 1);
        assertThat(engine.embed(List.of(), DEFAULTS).vectors()).isEmpty();
        assertThat(server.requests()).hasSize(4);
    }

    @Test
    void rerank_sortsWhatTheServerSays() {
        answers("{\"results\":[{\"index\":0,\"relevance_score\":-1.5},{\"index\":1,\"relevance_score\":2.5}],\"usage\":{\"total_tokens\":12}}");

        assertThat(engine.rerank("q", List.of("a", "b")))
                .isEqualTo(new Reranking(List.of(new Reranking.Document(1, 2.5f), new Reranking.Document(0, -1.5f)), 12));
        assertThat(server.requests().getFirst().path()).isEqualTo("/v1/rerank");
        assertThat(server.requests().getFirst().body()).isEqualTo("{\"model\":\"remote-model\",\"query\":\"q\",\"documents\":[\"a\",\"b\"]}");
        assertThat(engine.rerank("q", List.of()).documents()).isEmpty();
    }

    @Test
    void answersThatAreNone_areRefused() {
        for (String body : List.of("{}", "not json", "{\"data\":[{\"index\":7,\"embedding\":[1]}]}", "{\"data\":[{\"index\":0,\"embedding\":\"x\"}]}",
                "{\"data\":[{\"index\":0,\"embedding\":[1]},{\"index\":0,\"embedding\":[1]}]}")) {
            answers(body);
            assertThatExceptionOfType(BackendUnavailableException.class).as(body).isThrownBy(() -> engine.embed(List.of("a"), DEFAULTS));
            assertThatExceptionOfType(BackendUnavailableException.class).as(body).isThrownBy(() -> engine.rerank("q", List.of("a")));
        }
        server.answers(exchange -> ChatServer.refuse(exchange, 501, "no " + ChatServer.KEY));
        assertThatExceptionOfType(BackendUnavailableException.class).isThrownBy(() -> engine.embed(List.of("a"), DEFAULTS))
                .withMessageContaining("501").withMessageNotContaining(ChatServer.KEY);
    }

    @Test
    void whatAServerDecides_cannotBeAskedFor() {
        for (EmbeddingOptions options : List.of(DEFAULTS.withPooling(Pooling.CLS), DEFAULTS.withLongText(LongText.SPLIT))) {
            assertThatExceptionOfType(UnsupportedOperationException.class).isThrownBy(() -> engine.embed(List.of("a"), options));
        }
    }

    @Test
    void cancelAndClose_endACallThatWaits() throws Exception {
        var release = new CountDownLatch(1);
        server.answers(_ -> {
            try {
                release.await();
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
        });
        var cancelled = CompletableFuture.runAsync(() -> engine.embed(List.of("a"), DEFAULTS, () -> !server.requests().isEmpty()));
        assertThatExceptionOfType(CompletionException.class).isThrownBy(cancelled::join).withCauseInstanceOf(CancellationException.class);

        var closed = CompletableFuture.runAsync(() -> engine.embed(List.of("a"), DEFAULTS));
        while (server.requests().size() < 2) {
            Thread.sleep(1);
        }
        engine.close();
        assertThatExceptionOfType(CompletionException.class).isThrownBy(closed::join).withCauseInstanceOf(EngineClosedException.class);
        release.countDown();
    }
}
