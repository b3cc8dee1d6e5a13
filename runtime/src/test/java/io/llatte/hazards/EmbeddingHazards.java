package io.llatte.hazards;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import io.llatte.ContextOverflowException;
import io.llatte.GgufFile;
import io.llatte.TinyBert;
import io.llatte.llama.Batch;
import io.llatte.llama.Context;
import io.llatte.llama.ContextOptions;
import io.llatte.llama.Embedder;
import io.llatte.llama.EmbedderOptions;
import io.llatte.llama.EmbeddingOptions;
import io.llatte.llama.EmbeddingOptions.LongText;
import io.llatte.llama.Model;
import io.llatte.llama.ModelOptions;
import io.llatte.llama.Pooling;
import java.io.IOException;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.stream.Stream;

/// Texts that llama.cpp aborts on as embeddings, models that cannot make any, and embedders that go while they work.
final class EmbeddingHazards extends Hazards {

    private static final EmbedderOptions DEFAULTS = EmbedderOptions.defaults();

    private Model bert() throws IOException {
        return Model.load(TinyBert.embedding(scratch.resolve("bert.gguf")), ModelOptions.cpuOnly(), arena);
    }

    private Model edited(String key, byte[] value) throws IOException {
        return Model.load(GgufFile.read(TinyBert.ranking(scratch.resolve("ranking.gguf"))).set(key, value).write(scratch.resolve("edited.gguf")),
                ModelOptions.cpuOnly(), arena);
    }

    void textLongerThanAMicroBatch() throws IOException {
        for (Model model : List.of(bert(), speaking())) {
            for (Pooling pooling : List.of(Pooling.MEAN, Pooling.CLS, Pooling.LAST)) {
                Embedder embedder = model.newEmbedder(DEFAULTS.withPooling(pooling));
                assertThatExceptionOfType(ContextOverflowException.class).isThrownBy(() -> embedder.embed(List.of("a ".repeat(100_000))));
                var split = EmbeddingOptions.defaults().withLongText(LongText.SPLIT);
                assertThat(embedder.embed(List.of("a ".repeat(5000)), split, Runnable::run).vectors()).hasNumberOfRows(1);
            }
        }
    }

    void rowsBeyondLearnedPositions() throws IOException {
        Context context = bert().newContext(ContextOptions.builder().contextLength(512).batchSize(256).microBatchSize(256).embeddings(true).build());
        Batch batch = context.newBatch();
        for (int i = 0; i < 129; i++) {
            batch.add(5, i, 0, true);
        }
        refused(() -> context.decode(batch));
    }

    void moreSequencesThanRows() throws IOException {
        Embedder embedder = bert().newEmbedder(DEFAULTS.withLongestText(4).withSequences(256));
        assertThat(embedder.embed(List.of("a", "b", "c", "")).vectors()).hasNumberOfRows(4);
    }

    void poolingsThatAModelCannotDo() throws IOException {
        for (Model model : List.of(bert(), speaking())) {
            for (Pooling pooling : Pooling.values()) {
                survived(() -> model.newEmbedder(DEFAULTS.withPooling(pooling)).embed(List.of("cat")));
                survived(() -> model.newEmbedder(DEFAULTS.withPooling(pooling)).rerank("cat", List.of("dog")));
                survived(() -> model.newEmbedder(DEFAULTS.withPooling(pooling)).tokenVectors("cat"));
            }
            assertThat(model.newEmbedder(DEFAULTS).embed(List.of("cat")).vectors()).hasNumberOfRows(1);
        }
    }

    void poolingThatIsNone() throws IOException {
        for (int pooling : List.of(5, 77, Integer.MAX_VALUE, Integer.MIN_VALUE, -2)) {
            try (Model model = edited("bert.pooling_type", GgufFile.uint32(pooling))) {
                survived(() -> model.newEmbedder(DEFAULTS).embed(List.of("cat")));
                refused(() -> model.newContext(ContextOptions.builder().contextLength(128).embeddings(true).build()));
            }
        }
    }

    void moreLabelsThanTheHeadHasOutputs() throws IOException {
        List<String> labels = Stream.generate(() -> "label").limit(100_000).toList();
        survived(() -> {
            try (Model model = edited("bert.classifier.output_labels", GgufFile.strings(labels))) {
                model.newEmbedder(DEFAULTS).rerank("cat", List.of("dog"));
            }
        });
    }

    void vocabularyWithoutAnything() throws IOException {
        Model model = llama();
        Embedder embedder = model.newEmbedder(DEFAULTS);
        survived(() -> embedder.embed(List.of("cat")));
    }

    void closedWhileItEmbeds() throws Exception {
        for (int round = 0; round < 20; round++) {
            Model model = bert();
            Embedder embedder = model.newEmbedder(DEFAULTS);
            var running = CompletableFuture.runAsync(() -> survived(() -> {
                for (int i = 0; i < 1000; i++) {
                    embedder.embed(List.of("the cat sat on the mat", "dog"));
                }
            }));
            Thread.sleep(round % 5);
            if (round % 2 == 0) {
                model.close();
            } else {
                embedder.close();
            }
            running.get();
            refused(() -> embedder.embed(List.of("cat")));
            model.close();
        }
    }

    void cancelledFromAnotherThread() throws Exception {
        Embedder embedder = bert().newEmbedder(DEFAULTS);
        var running = CompletableFuture.runAsync(() -> survived(() -> embedder.embed(Collections.nCopies(5000, "the cat sat on the mat"))));
        while (!running.isDone()) {
            embedder.cancel();
        }
        running.get();
        assertThat(embedder.embed(List.of("cat")).vectors()).hasNumberOfRows(1);
    }
}
