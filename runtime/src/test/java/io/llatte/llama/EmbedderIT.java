package io.llatte.llama;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;
import static org.assertj.core.api.Assertions.within;

import io.llatte.ContextOverflowException;
import io.llatte.GgufFile;
import io.llatte.InsufficientMemoryException;
import io.llatte.TinyBert;
import io.llatte.llama.EmbeddingOptions.LongText;
import io.llatte.memory.DeviceArena;
import io.llatte.memory.MemoryBudget;
import io.llatte.memory.MemoryUsage;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CancellationException;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class EmbedderIT {

    private static final List<String> TEXTS = List.of("the cat sat on the mat", "a dog ran under the blue tree", "who is the red house", "zebra");

    @TempDir
    private Path temp;

    private final DeviceArena arena = DeviceArena.open();

    @AfterEach
    void closeArena() {
        arena.close();
    }

    private Model bert() throws IOException {
        return Model.load(TinyBert.embedding(temp.resolve("bert.gguf")), ModelOptions.cpuOnly(), arena);
    }

    private Model reranker() throws IOException {
        return Model.load(TinyBert.ranking(temp.resolve("reranker.gguf")), ModelOptions.cpuOnly(), arena);
    }

    private Model speaking(Path tiny) throws IOException {
        return Model.load(GgufFile.read(tiny).speaking().write(temp.resolve("speaking.gguf")), ModelOptions.cpuOnly(), arena);
    }

    private static String words(int count) {
        return "cat ".repeat(count).strip();
    }

    // ---- against llama.cpp's own program

    @ParameterizedTest
    @EnumSource(value = Pooling.class, names = {"MEAN", "CLS", "LAST"})
    void vectorsOfAnEncoder_areLlamaEmbeddings(Pooling pooling) throws Exception {
        Model model = bert();
        float[][] expected = LlamaEmbedding.embed(model.path(), temp, TEXTS, "--pooling", pooling.name().toLowerCase(), "-c", "128");

        Embeddings ours = model.newEmbedder(EmbedderOptions.defaults().withPooling(pooling)).embed(TEXTS);

        assertSame(ours.vectors(), expected, 1e-6);
        assertThat(ours.tokens()).isEqualTo(TEXTS.stream().mapToInt(text -> model.vocab().tokenize(text).length).sum());
    }

    @Test
    void vectorsOfTheModelsOwnPooling_areLlamaEmbeddings() throws Exception {
        Model model = bert();
        float[][] expected = LlamaEmbedding.embed(model.path(), temp, TEXTS, "-c", "128");
        assertSame(model.newEmbedder(EmbedderOptions.defaults()).embed(TEXTS).vectors(), expected, 1e-6);
    }

    @ParameterizedTest
    @EnumSource(value = Pooling.class, names = {"MEAN", "LAST"})
    void vectorsOfAModelThatGenerates_areLlamaEmbeddings(Pooling pooling) throws Exception {
        Model model = speaking(TinyModels.llama());
        List<String> texts = List.of("hello world", "yes", "hello hello no");
        float[][] expected = LlamaEmbedding.embed(model.path(), temp, texts, "--pooling", pooling.name().toLowerCase(), "-c", "512");

        assertSame(model.newEmbedder(EmbedderOptions.defaults().withPooling(pooling)).embed(texts).vectors(), expected, 1e-5);
    }

    @Test
    void tokenVectors_areLlamaEmbeddings() throws Exception {
        Model model = bert();
        float[][] expected = LlamaEmbedding.embed(model.path(), temp, TEXTS.subList(0, 1), "--pooling", "none", "-c", "128",
                "--embd-normalize", "-1");

        float[][] ours = model.newEmbedder(EmbedderOptions.defaults().withPooling(Pooling.NONE)).tokenVectors(TEXTS.getFirst());

        assertSame(ours, expected, 1e-6);
        for (int row = 0; row < ours.length; row++) {
            assertThat(ours[row]).containsExactly(expected[row], within(1e-4f));
        }
    }

    private static void assertSame(float[][] ours, float[][] expected, double distance) {
        assertThat(ours).hasDimensions(expected.length, expected[0].length);
        for (int i = 0; i < ours.length; i++) {
            assertThat(1 - Embeddings.cosine(ours[i], expected[i])).as("cosine distance of text %d", i).isBetween(-1e-6, distance);
        }
    }

    // ---- many, long, empty

    @Test
    void textsTogether_areAsEachAlone_inFewBatches() throws Exception {
        Embedder embedder = bert().newEmbedder(EmbedderOptions.defaults());
        List<String> texts = IntStream.range(0, 2000).mapToObj(i -> TEXTS.get(i % 4) + " a".repeat(i % 7)).toList();
        float[] alone = embedder.embed(texts.subList(1001, 1002)).vectors()[0];
        long before = embedder.batches();

        Embeddings together = embedder.embed(texts);

        assertThat(together.vectors()).hasDimensions(2000, TinyBert.LENGTH);
        assertThat(Embeddings.cosine(together.vectors()[1001], alone)).isCloseTo(1, within(1e-6));
        // 128 tokens fit into one.
        assertThat(embedder.batches() - before).isBetween(together.tokens() / 128, together.tokens() / 100);
    }

    @Test
    void noTexts_giveNoVectors_andNoBatch() throws Exception {
        Embedder embedder = bert().newEmbedder(EmbedderOptions.defaults());
        assertThat(embedder.embed(List.of()).vectors()).isEmpty();
        assertThat(embedder.batches()).isZero();
    }

    @Test
    void emptyText_isItsSpecialTokens_orRefusedWhereThereAreNone() throws Exception {
        assertThat(bert().newEmbedder(EmbedderOptions.defaults()).embed(List.of("")).tokens()).isEqualTo(2);

        Model noBos = Model.load(GgufFile.read(TinyModels.llama()).speaking().set("tokenizer.ggml.add_bos_token", new byte[] {7, 0, 0, 0, 0})
                .write(temp.resolve("no-bos.gguf")), ModelOptions.cpuOnly(), arena);
        assertThatIllegalArgumentException().isThrownBy(() -> noBos.newEmbedder(EmbedderOptions.defaults()).embed(List.of("yes", "")))
                .withMessageContaining("text 1 is empty");
    }

    @Test
    void longText_isRefusedWithNumbers_beforeAnythingIsEvaluated() throws Exception {
        Embedder embedder = bert().newEmbedder(EmbedderOptions.defaults());

        assertThatExceptionOfType(ContextOverflowException.class).isThrownBy(() -> embedder.embed(List.of("cat", words(100_000))))
                .withMessageContaining("text 1 has 100,002 tokens, and 128 are")
                .satisfies(e -> assertThat(e.requestedTokens()).isEqualTo(100_002))
                .satisfies(e -> assertThat(e.availableTokens()).isEqualTo(TinyBert.POSITIONS));
        assertThat(embedder.batches()).isZero();
        assertThat(embedder.embed(List.of(words(126))).tokens()).isEqualTo(128);
    }

    @Test
    void splitText_isTheMeanOfItsParts_byTheirTokens() throws Exception {
        Embedder embedder = bert().newEmbedder(EmbedderOptions.defaults());
        EmbeddingOptions split = EmbeddingOptions.defaults().withLongText(LongText.SPLIT).withNormalize(false);
        String first = words(126);
        String rest = "dog ".repeat(63).strip();

        Embeddings whole = embedder.embed(List.of(first + " " + rest, "cat"), split, Runnable::run);

        float[][] parts = embedder.embed(List.of(first, rest, "cat"), split, Runnable::run).vectors();
        for (int i = 0; i < TinyBert.LENGTH; i++) {
            assertThat(whole.vectors()[0][i]).isCloseTo((2 * parts[0][i] + parts[1][i]) / 3, within(1e-5f));
            assertThat(whole.vectors()[1][i]).isCloseTo(parts[2][i], within(1e-5f));
        }
        assertThat(whole.tokens()).isEqualTo(128 + 65 + 3);
        assertThat(embedder.embed(List.of(words(100_000)), split, Runnable::run).vectors()[0]).doesNotContain(Float.NaN);
    }

    @Test
    void lastTokenOfALongText_isEvaluatedInParts_asInOne() throws Exception {
        Model model = speaking(TinyModels.llama());
        String text = "hello world yes no ".repeat(100);
        Embedder embedder = model.newEmbedder(EmbedderOptions.defaults().withLongestText(2048));
        assertThat(embedder.pooling()).isEqualTo(Pooling.LAST);
        float[] inParts = embedder.embed(List.of("yes", text, "no")).vectors()[1];
        assertThat(embedder.batches()).isGreaterThan(4);

        try (var context = model.newContext(ContextOptions.builder().contextLength(2048).batchSize(2048).microBatchSize(2048).embeddings(true)
                .pooling(Pooling.LAST).build())) {
            int[] ids = model.vocab().tokenize(text);
            Batch batch = context.newBatch();
            for (int i = 0; i < ids.length; i++) {
                batch.add(ids[i], i, 0, true);
            }
            context.decode(batch);
            assertThat(Embeddings.cosine(inParts, context.sequenceEmbeddings(0))).isCloseTo(1, within(1e-5));
        }
    }

    @Test
    void recurrentAndNonCausalModels_embedToo() throws Exception {
        for (Path tiny : List.of(TinyModels.mamba(), TinyModels.llada(), TinyModels.gemma(), TinyModels.model("falcon-h1-dense"))) {
            Model model = speaking(tiny);
            for (Pooling pooling : List.of(Pooling.MODEL, Pooling.MEAN, Pooling.LAST)) {
                try (Embedder embedder = model.newEmbedder(EmbedderOptions.defaults().withPooling(pooling).withSequences(4))) {
                    float[][] vectors = embedder.embed(List.of("hello world", "yes", "hello world", "no no no", "yes")).vectors();
                    assertThat(Embeddings.cosine(vectors[0], vectors[2])).as("%s %s", tiny, pooling).isCloseTo(1, within(1e-4));
                    assertThat(Embeddings.cosine(vectors[1], vectors[4])).as("%s %s", tiny, pooling).isCloseTo(1, within(1e-4));
                }
            }
            model.close();
        }
    }

    @Test
    void normalised_hasTheLengthOne_andOtherwiseNot() throws Exception {
        Embedder embedder = bert().newEmbedder(EmbedderOptions.defaults());
        float[] normal = embedder.embed(List.of("the cat")).vectors()[0];
        float[] raw = embedder.embed(List.of("the cat"), EmbeddingOptions.defaults().withNormalize(false), Runnable::run).vectors()[0];

        assertThat(lengthOf(normal)).isCloseTo(1, within(1e-5));
        assertThat(lengthOf(raw)).isNotCloseTo(1, within(1e-2));
        assertThat(Embeddings.cosine(normal, raw)).isCloseTo(1, within(1e-6));
    }

    private static double lengthOf(float[] vector) {
        double squares = 0;
        for (float value : vector) {
            squares += value * value;
        }
        return Math.sqrt(squares);
    }

    // ---- ranking

    @Test
    void rerank_scoresAreLlamaEmbeddings_theBestFirst() throws Exception {
        Model model = reranker();
        String query = "where is the cat";
        List<String> documents = List.of("the cat sat on the mat", "a blue house", "the dog ran", "river");
        // The program puts the separator's text between the two, which this vocabulary reads as the token; see RankPrompt.
        List<String> pairs = documents.stream().map(document -> query + "[SEP]" + document).toList();
        float[][] expected = LlamaEmbedding.embed(model.path(), temp, pairs, "--pooling", "rank", "-c", "128", "--embd-normalize", "-1");

        Reranking ours = model.newEmbedder(EmbedderOptions.defaults()).rerank(query, documents);

        assertThat(ours.documents()).hasSize(4).isSortedAccordingTo((a, b) -> Float.compare(b.score(), a.score()));
        assertThat(ours.documents()).allSatisfy(found -> assertThat(found.score()).isCloseTo(expected[found.index()][0], within(1e-4f)));
        assertThat(ours.documents().stream().map(Reranking.Document::score).distinct()).hasSize(4);
    }

    @Test
    void rerank_followsTheFilesTemplate_inOnePass() throws Exception {
        Path file = TinyBert.ranking(temp.resolve("plain.gguf"));
        Model model = Model.load(GgufFile.read(file).set("tokenizer.chat_template.rerank", GgufFile.string("[CLS]{query}[SEP]{document}[SEP]"))
                .write(temp.resolve("template.gguf")), ModelOptions.cpuOnly(), arena);

        int[] ids = new RankPrompt(model, "cat {document}").ids("dog $1");

        assertThat(ids).startsWith(2).endsWith(3);
        assertThat(model.vocab().tokenize("[CLS]cat {document}[SEP]dog $1[SEP]", false, true)).containsExactly(ids);
    }

    @Test
    void rerank_nothingOrTooMuch() throws Exception {
        Embedder embedder = reranker().newEmbedder(EmbedderOptions.defaults());
        assertThat(embedder.rerank("cat", List.of()).documents()).isEmpty();
        assertThat(embedder.rerank("", List.of("")).documents()).hasSize(1);
        assertThatExceptionOfType(ContextOverflowException.class).isThrownBy(() -> embedder.rerank("cat", List.of("dog", words(1000))))
                .withMessageContaining("document 1");
        assertThatExceptionOfType(UnsupportedOperationException.class).isThrownBy(() -> embedder.embed(List.of("cat")));
    }

    @Test
    void modelWithoutAHead_cannotRank() throws Exception {
        Model without = Model.load(TinyBert.rankingWithoutHead(temp.resolve("headless.gguf")), ModelOptions.cpuOnly(), arena);
        for (Model model : List.of(bert(), without, speaking(TinyModels.llama()))) {
            assertThat(model.embeddingInfo().rankOutputs()).isZero();
            assertThatExceptionOfType(UnsupportedOperationException.class)
                    .isThrownBy(() -> model.newEmbedder(EmbedderOptions.defaults().withPooling(Pooling.RANK)))
                    .withMessageContaining("classification head");
            assertThatIllegalArgumentException().isThrownBy(() -> model.newContext(ContextOptions.builder().contextLength(128).embeddings(true)
                    .pooling(Pooling.RANK).build())).withMessageContaining("classification head");
        }
        assertThat(bert().newEmbedder(EmbedderOptions.defaults()).pooling()).isEqualTo(Pooling.MEAN);
    }

    // ---- misuse and lifetime

    @Test
    void whatDoesNotFitTogether_isRefused() throws Exception {
        Model model = bert();
        assertThatIllegalArgumentException().isThrownBy(() -> model.newEmbedder(EmbedderOptions.defaults().withLongestText(129)))
                .withMessageContaining("129").withMessageContaining("128");
        assertThatIllegalArgumentException().isThrownBy(() -> EmbedderOptions.defaults().withSequences(257));
        Embedder embedder = model.newEmbedder(EmbedderOptions.defaults());
        assertThatIllegalArgumentException().isThrownBy(() -> embedder.embed(List.of("cat"), EmbeddingOptions.defaults().withPooling(Pooling.CLS),
                Runnable::run));
        assertThatExceptionOfType(UnsupportedOperationException.class).isThrownBy(() -> embedder.tokenVectors("cat"));
        assertThatExceptionOfType(UnsupportedOperationException.class).isThrownBy(() -> embedder.rerank("cat", List.of("dog")));
        assertThatExceptionOfType(UnsupportedOperationException.class)
                .isThrownBy(() -> model.newEmbedder(EmbedderOptions.defaults().withPooling(Pooling.NONE)).embed(List.of("cat")));
        assertThatIllegalArgumentException().isThrownBy(() -> Embeddings.cosine(new float[2], new float[3]));
    }

    @Test
    void interrupt_endsTheCall_andStaysSet() throws Exception {
        Embedder embedder = bert().newEmbedder(EmbedderOptions.defaults());
        List<Integer> steps = new ArrayList<>();
        try {
            assertThatExceptionOfType(CancellationException.class).isThrownBy(() -> embedder.embed(
                    IntStream.range(0, 100).mapToObj(_ -> words(60)).toList(), EmbeddingOptions.defaults(), step -> {
                        step.run();
                        steps.add(1);
                        Thread.currentThread().interrupt();
                    }));
            assertThat(Thread.currentThread().isInterrupted()).isTrue();
        } finally {
            Thread.interrupted();
        }
        assertThat(steps).hasSize(1);
        assertThat(embedder.embed(List.of("cat")).vectors()).hasDimensions(1, TinyBert.LENGTH);
    }

    @Test
    void memory_isChargedAndGivenBack() throws Exception {
        Model model = bert();
        long before = arena.ledger().totalBytes();
        Embedder embedder = model.newEmbedder(EmbedderOptions.defaults());
        long outputs = 128L * (model.info().vocabSize() + TinyBert.LENGTH) * Float.BYTES;
        assertThat(arena.ledger().totalBytes() - before).isEqualTo(outputs + computeBytesOf(model));
        embedder.close();
        embedder.close();
        assertThat(arena.ledger().totalBytes()).isEqualTo(before);
        assertThatIllegalStateException().isThrownBy(() -> embedder.embed(List.of("cat")));
    }

    /// Of a context as an embedder makes it.
    private static long computeBytesOf(Model model) {
        try (var context = model.newContext(ContextOptions.builder().contextLength(128).batchSize(128).microBatchSize(128).maxSequences(32)
                .unifiedKv(true).embeddings(true).build())) {
            return context.memory().stream().mapToLong(MemoryUsage::computeBytes).sum();
        }
    }

    @Test
    void outputsBeyondTheBudget_areRefused_andNothingStays() throws Exception {
        Path file = TinyBert.embedding(temp.resolve("bert.gguf"));
        long weights;
        long compute;
        try (var measured = DeviceArena.open(); Model model = Model.load(file, ModelOptions.cpuOnly(), measured)) {
            weights = measured.ledger().totalBytes();
            compute = computeBytesOf(model);
        }
        try (var tight = DeviceArena.open(MemoryBudget.limit("CPU", weights + compute + 1000));
             Model model = Model.load(file, ModelOptions.cpuOnly(), tight)) {
            assertThatExceptionOfType(InsufficientMemoryException.class).isThrownBy(() -> model.newEmbedder(EmbedderOptions.defaults()))
                    .withMessageContaining("outputs");
            assertThat(tight.ledger().totalBytes()).isEqualTo(weights);
        }
    }
}
