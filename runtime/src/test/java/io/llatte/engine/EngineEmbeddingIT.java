package io.llatte.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.within;

import io.llatte.EngineClosedException;
import io.llatte.InsufficientMemoryException;
import io.llatte.TinyBert;
import io.llatte.llama.ChatMessage;
import io.llatte.llama.Embedder;
import io.llatte.llama.EmbedderOptions;
import io.llatte.llama.EmbeddingOptions;
import io.llatte.llama.Embeddings;
import io.llatte.llama.Model;
import io.llatte.llama.ModelOptions;
import io.llatte.llama.Pooling;
import io.llatte.llama.Reranking;
import io.llatte.llama.TokenStream;
import io.llatte.memory.DeviceArena;
import io.llatte.memory.MemoryBudget;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(60)
class EngineEmbeddingIT {

    private static final EmbeddingOptions DEFAULTS = EmbeddingOptions.defaults();

    @TempDir
    private Path folder;

    private final DeviceArena arena = DeviceArena.open();

    @AfterEach
    void closeArena() {
        arena.close();
    }

    private static Engine load(Path file, DeviceArena arena) {
        return new EngineLoader(arena, Optional.empty()).load(new ModelFile("tiny-bert", file, Optional.empty()), Engines.options(512).build(),
                LoadObserver.NONE);
    }

    @Test
    void modelThatGenerates_embedsBesideItsAnswer_asTheLowLevelDoes() throws Exception {
        try (InProcessEngine engine = Engines.load(arena, folder, Engines.options(512).build())) {
            List<Integer> alone = Engines.read(Engines.start(engine, Engines.greedy("hello", 60)));
            long before = arena.ledger().totalBytes();
            Embeddings ours;
            try (TokenStream answer = Engines.start(engine, Engines.greedy("hello", 60))) {
                answer.next();
                ours = engine.embed(List.of("hello world", "yes"), DEFAULTS);
                var ids = new ArrayList<>(alone.subList(0, 1));
                answer.forEachRemaining(token -> ids.add(token.id()));
                assertThat(ids).isEqualTo(alone);
            }
            assertThat(arena.ledger().totalBytes()).isGreaterThan(before);
            long charged = arena.ledger().totalBytes();
            engine.embed(List.of("no"), DEFAULTS.withPooling(Pooling.LAST));
            assertThat(arena.ledger().totalBytes()).isEqualTo(charged);
            try (Embedder embedder = engine.model().newEmbedder(EmbedderOptions.defaults())) {
                float[][] expected = embedder.embed(List.of("hello world", "yes")).vectors();
                for (int i = 0; i < 2; i++) {
                    assertThat(Embeddings.cosine(ours.vectors()[i], expected[i])).isCloseTo(1, within(1e-5));
                }
            }
        }
        assertThat(arena.ledger().totalBytes()).isZero();
    }

    @Test
    void embeddingModel_embedsAndDoesNotChat() throws Exception {
        try (Engine engine = load(TinyBert.embedding(folder.resolve("bert.gguf")), arena)) {
            assertThat(engine.embed(List.of("the cat", "a dog"), DEFAULTS).vectors()).hasDimensions(2, TinyBert.LENGTH);
            var chat = new Prompt.Chat(List.of(ChatMessage.user("hello")));
            for (Prompt prompt : List.of(chat, new Prompt.Text("hello"))) {
                GenerationRequest request = GenerationRequest.builder(prompt).build();
                assertThatExceptionOfType(UnsupportedOperationException.class).isThrownBy(() -> Engines.start(engine, request))
                        .withMessage("tiny-bert (bert) makes embeddings and no text: it cannot chat or complete");
            }
            assertThatExceptionOfType(UnsupportedOperationException.class).isThrownBy(() -> engine.saveSession(chat, folder.resolve("session")));
            assertThatExceptionOfType(UnsupportedOperationException.class).isThrownBy(() -> engine.rerank("cat", List.of("dog")))
                    .withMessageContaining("classification head");
            assertThat(engine.embed(List.of("the cat"), DEFAULTS.withPooling(Pooling.CLS)).vectors()).hasNumberOfRows(1);
        }
    }

    @Test
    void rankingModel_ranks_andSaysThatItDoesNotEmbed() throws Exception {
        Path file = TinyBert.ranking(folder.resolve("ranking.gguf"));
        try (Engine engine = load(file, arena)) {
            Reranking ours = engine.rerank("who", List.of("cat", "dog", "house"));
            try (Model model = Model.load(file, ModelOptions.cpuOnly(), arena); Embedder embedder = model.newEmbedder(EmbedderOptions.defaults())) {
                assertThat(ours).isEqualTo(embedder.rerank("who", List.of("cat", "dog", "house")));
            }
            assertThatExceptionOfType(UnsupportedOperationException.class).isThrownBy(() -> engine.embed(List.of("cat"), DEFAULTS));
            assertThat(engine.embed(List.of("cat"), DEFAULTS.withPooling(Pooling.MEAN)).vectors()).hasNumberOfRows(1);
        }
    }

    @Test
    void callOnTheEnginesOwnThread_isRefused_andDoesNotWaitForItself() {
        try (InProcessEngine engine = Engines.load(arena, folder, Engines.options(512).build())) {
            var failure = new CompletableFuture<Throwable>();
            try (TokenStream answer = engine.generate(Engines.greedy("hello", 3), _ -> {
                try {
                    engine.embed(List.of("yes"), DEFAULTS);
                    failure.complete(null);
                } catch (RuntimeException e) {
                    failure.complete(e);
                }
            })) {
                answer.forEachRemaining(_ -> { });
            }
            assertThat(failure.join()).isInstanceOf(IllegalStateException.class).hasMessageContaining("own thread");
            assertThat(engine.embed(List.of("yes"), DEFAULTS).vectors()).hasNumberOfRows(1);
        }
    }

    @Test
    void manyCallers_getEachTheirOwn() throws Exception {
        try (Engine engine = load(TinyBert.embedding(folder.resolve("bert.gguf")), arena); var pool = Executors.newVirtualThreadPerTaskExecutor()) {
            List<String> texts = List.of("the cat", "dog ran", "who is under the tree", "blue", "red river", "house");
            float[][] expected = engine.embed(texts, DEFAULTS).vectors();
            List<Future<float[][]>> calls = new ArrayList<>();
            for (int i = 0; i < 60; i++) {
                int at = i % 6;
                calls.add(pool.submit(() -> engine.embed(Collections.nCopies(1 + at * 20, texts.get(at)), DEFAULTS).vectors()));
            }
            for (int i = 0; i < 60; i++) {
                for (float[] vector : calls.get(i).get()) {
                    assertThat(Embeddings.cosine(vector, expected[i % 6])).isCloseTo(1, within(1e-6));
                }
            }
        }
    }

    @Test
    void budgetWithoutRoom_isTyped_andTheAnswersGoOn() {
        long needed;
        try (var measured = DeviceArena.open(); InProcessEngine _ = Engines.load(measured, folder, Engines.options(512).build())) {
            needed = measured.ledger().totalBytes();
        }
        try (var tight = DeviceArena.open(MemoryBudget.limit("CPU", needed + 100_000));
             InProcessEngine engine = Engines.load(tight, folder, Engines.options(512).build())) {
            assertThatExceptionOfType(InsufficientMemoryException.class).isThrownBy(() -> engine.embed(List.of("yes"), DEFAULTS));
            assertThat(Engines.read(Engines.start(engine, Engines.greedy("hello", 5)))).hasSize(5);
        }
    }

    @Test
    void interruptCancelAndClose_endACall() throws Exception {
        Engine engine = load(TinyBert.embedding(folder.resolve("bert.gguf")), arena);
        List<String> many = Collections.nCopies(100_000, "the cat sat on the mat under the blue tree");

        Thread.currentThread().interrupt();
        assertThatExceptionOfType(CancellationException.class).isThrownBy(() -> engine.embed(many.subList(0, 100), DEFAULTS));
        assertThat(Thread.interrupted()).isTrue();

        var batches = new AtomicInteger();
        var cancelled = CompletableFuture.runAsync(() -> engine.embed(many, DEFAULTS, () -> batches.incrementAndGet() > 3));
        assertThatExceptionOfType(CompletionException.class).isThrownBy(cancelled::join).withCauseInstanceOf(CancellationException.class);
        assertThat(batches).hasValue(4);
        assertThat(engine.embed(List.of("cat"), DEFAULTS).vectors()).hasNumberOfRows(1);

        var closed = CompletableFuture.runAsync(() -> engine.embed(many, DEFAULTS));
        Thread.sleep(20);
        engine.close();
        assertThatExceptionOfType(CompletionException.class).isThrownBy(closed::join).withCauseInstanceOf(EngineClosedException.class);
        assertThatExceptionOfType(EngineClosedException.class).isThrownBy(() -> engine.embed(List.of("cat"), DEFAULTS));
        assertThat(arena.ledger().totalBytes()).isZero();
    }
}
