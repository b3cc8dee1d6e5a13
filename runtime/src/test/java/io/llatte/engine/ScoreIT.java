package io.llatte.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.within;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.llatte.ContextOverflowException;
import io.llatte.EngineClosedException;
import io.llatte.llama.Batch;
import io.llatte.llama.ContextOptions;
import io.llatte.llama.DefaultModel;
import io.llatte.llama.LlamaCppSource;
import io.llatte.llama.TokenLogprob;
import io.llatte.memory.DeviceArena;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CancellationException;
import java.util.concurrent.Executors;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// What a model thinks of given texts.
class ScoreIT {

    private static final String STORY = Engines.WORDS.repeat(4);

    @TempDir
    Path folder;

    private final DeviceArena arena = DeviceArena.open();

    @AfterEach
    void nothingIsLeft() {
        assertThat(arena.ledger().totalBytes()).isZero();
        arena.close();
    }

    private InProcessEngine engine(int contextLength) {
        return Engines.load(arena, folder, Engines.options(contextLength).sequences(4).build());
    }

    /// From all logits of a context of its own, in double.
    private static double[] expected(InProcessEngine engine, int[] tokens, int from) {
        double[] logprobs = new double[tokens.length - from];
        try (var context = engine.model().newContext(ContextOptions.builder().contextLength(1024).threads(1).batchThreads(1).build())) {
            Batch batch = context.newBatch();
            batch.addAll(tokens, 0, tokens.length, 0, 0, 0);
            context.decode(batch);
            for (int i = from; i < tokens.length; i++) {
                float[] logits = context.logits(i - 1).toArray();
                double sum = IntStream.range(0, logits.length).mapToDouble(id -> Math.exp(logits[id])).sum();
                logprobs[i - from] = logits[tokens[i]] - Math.log(sum);
            }
        }
        return logprobs;
    }

    private static double[] doubles(float[] floats) {
        return IntStream.range(0, floats.length).mapToDouble(i -> floats[i]).toArray();
    }

    @Test
    void everyToken_asItsLogitsSay() {
        try (var engine = engine(1024)) {
            int[] tokens = engine.model().vocab().tokenize(STORY);
            for (int from : new int[] {1, 7, tokens.length - 1}) {
                assertThat(doubles(engine.score(tokens, from))).containsExactly(expected(engine, tokens, from), within(1e-3));
            }
        }
    }

    @Test
    void textAfterAContext_sharesWhatOthersEvaluated() {
        try (var engine = engine(1024)) {
            TextScore first = engine.score(Engines.WORDS, "y");
            TextScore whole = engine.score("", Engines.WORDS);
            assertThat(whole.readTokens()).isEqualTo(1);
            assertThat(whole.perplexity()).isCloseTo(Math.exp(-whole.logprob() / whole.tokens().size()), within(1e-9));
            long cached = engine.statistics().cachedTokens();
            TextScore second = engine.score(Engines.WORDS, "n");
            assertThat(engine.statistics().cachedTokens() - cached).isEqualTo(second.readTokens() - 1L);
            assertThat(first.tokens()).extracting(TokenLogprob::text).containsExactly("y");
            assertThat(second.tokens()).extracting(TokenLogprob::text).containsExactly("n");
            assertThat(engine.score("", "")).isEqualTo(new TextScore(List.of(), 1)).extracting(TextScore::perplexity).isEqualTo(1.0);
        }
    }

    @Test
    void manyBesideAnswers_eachAsAlone() throws Exception {
        try (var engine = engine(4096); var pool = Executors.newVirtualThreadPerTaskExecutor()) {
            int[] tokens = engine.model().vocab().tokenize(STORY);
            float[] alone = engine.score(tokens, 1);
            List<Integer> answer = Engines.read(Engines.start(engine, Engines.greedy(Engines.WORDS, 100)));
            var running = Engines.start(engine, Engines.greedy(Engines.WORDS, 100));
            var scores = new ArrayList<java.util.concurrent.Future<float[]>>();
            for (int i = 0; i < 12; i++) {
                int[] part = Arrays.copyOf(tokens, tokens.length - 10 * i);
                scores.add(pool.submit(() -> engine.score(part, 1)));
            }
            assertThat(Engines.read(running)).isEqualTo(answer);
            for (int i = 0; i < scores.size(); i++) {
                float[] score = scores.get(i).get();
                assertThat(doubles(score)).containsExactly(Arrays.copyOf(doubles(alone), score.length), within(1e-2));
            }
        }
    }

    @Test
    void whatCannotBeScored_isRefused() {
        var engine = engine(256);
        int[] tokens = engine.model().vocab().tokenize(STORY);
        assertThatExceptionOfType(ContextOverflowException.class).isThrownBy(() -> engine.score(tokens, 1))
                .withMessageContaining(String.valueOf(tokens.length)).withMessageContaining("256");
        assertThat(engine.score(Arrays.copyOf(tokens, 256), 1)).hasSize(255);
        assertThatIllegalArgumentException().isThrownBy(() -> engine.score(tokens, 0));
        assertThatIllegalArgumentException().isThrownBy(() -> engine.score(tokens, tokens.length));
        assertThatIllegalArgumentException().isThrownBy(() -> engine.score(new int[] {1, 1 << 20, 2}, 1));
        assertThatIllegalArgumentException().isThrownBy(() -> engine.perplexity("a", 128, _ -> { })).withMessageContaining("128");
        Thread.currentThread().interrupt();
        assertThatExceptionOfType(CancellationException.class).isThrownBy(() -> engine.score(Arrays.copyOf(tokens, 200), 1));
        assertThat(Thread.interrupted()).isTrue();
        assertThat(engine.score("", "yes").tokens()).hasSize(2);
        engine.close();
        assertThatExceptionOfType(EngineClosedException.class).isThrownBy(() -> engine.score("", "y"));
    }

    @Test
    void perplexity_isOfTheSecondHalfOfEachWindow() {
        try (var engine = engine(256)) {
            int[] tokens = engine.model().vocab().tokenize(STORY, true, false);
            int window = 64;
            List<Perplexity> sofar = new ArrayList<>();
            Perplexity result = engine.perplexity(STORY, window, sofar::add);
            double sum = 0;
            for (int start = 0; start + window <= tokens.length; start += window) {
                int[] part = Arrays.copyOfRange(tokens, start, start + window);
                part[0] = tokens[0];
                sum += Arrays.stream(expected(engine, part, 33)).sum();
            }
            assertThat(result.windows()).isEqualTo(tokens.length / window).isEqualTo(sofar.size());
            assertThat(result.scoredTokens()).isEqualTo(result.windows() * 31);
            assertThat(result.value()).isCloseTo(Math.exp(-sum / result.scoredTokens()), within(0.1));
            assertThat(result.standardError()).isPositive();
            assertThat(sofar.getLast()).isEqualTo(result);
        }
    }

    @Test
    void perplexityOfTheDefaultModel_isLlamaPerplexitys() throws Exception {
        Path model = DefaultModel.path();
        Path tool = Path.of(System.getProperty("llatte.test.build"), "bin", "llama-perplexity");
        assumeTrue(Files.isExecutable(tool), () -> tool + " is missing: build with -DLLATTE_TESTS=ON");
        String text = Files.readString(LlamaCppSource.folder("docs").resolve("build.md")).substring(0, 6000);
        Path file = Files.writeString(folder.resolve("text"), text);
        Path log = folder.resolve("log");
        Process process = new ProcessBuilder(tool.toString(), "-m", model.toString(), "-f", file.toString(), "-c", "256", "-b", "256", "-ub", "256",
                "-dev", "none", "-t", "2").redirectErrorStream(true).redirectOutput(log.toFile()).start();
        process.getOutputStream().close();
        assertThat(process.waitFor()).isZero();
        Matcher said = Pattern.compile("Final estimate: PPL = ([0-9.]+) \\+/- ([0-9.]+)").matcher(Files.readString(log, StandardCharsets.ISO_8859_1));
        assertThat(said.find()).isTrue();
        var options = EngineOptions.builder().policy(PlacementPolicy.CPU_ONLY).threads(2).contextSize(ContextSize.of(256)).microBatchSize(256).build();
        try (var engine = (InProcessEngine) new EngineLoader(arena, Optional.empty()).load(new ModelFile("default", model, Optional.empty()), options,
                LoadObserver.NONE)) {
            Perplexity ours = engine.perplexity(text, 256, _ -> { });
            assertThat(ours.value() / Double.parseDouble(said.group(1))).isCloseTo(1, within(5e-5));
            assertThat(ours.standardError() / Double.parseDouble(said.group(2))).isCloseTo(1, within(1e-3));
        }
    }
}
