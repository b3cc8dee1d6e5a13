package io.llatte.demo.bench;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.within;

import io.llatte.InsufficientMemoryException;
import io.llatte.engine.PlacementPolicy;
import io.llatte.engine.PlacementReport;
import io.llatte.engine.PlacementTarget;
import io.llatte.llama.FlashAttention;
import io.llatte.llama.KvType;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.stream.LongStream;
import org.junit.jupiter.api.Test;

/// Figures: how they are made of times, and how they are shown.
class BenchTablesTest {

    private static final long SECOND = 1_000_000_000L;

    @Test
    void table_linesUpAndPutsNumbersToTheRight() {
        var table = new MarkdownTable(List.of("test", "t/s")).add(List.of("pp512", "1.50 ± 0.25")).add(List.of("tg8", "10.00 ± 1.00"));
        assertThat(table).hasToString("""
                | test  |          t/s |
                | ----- | -----------: |
                | pp512 |  1.50 ± 0.25 |
                | tg8   | 10.00 ± 1.00 |
                """);
        assertThatIllegalArgumentException().isThrownBy(() -> table.add(List.of("alone")));
    }

    @Test
    void workload_hasTheNameThatLlamaBenchGivesIt() {
        assertThat(new Workload(512, 0, 1).name()).isEqualTo("pp512");
        assertThat(new Workload(0, 128, 1).name()).isEqualTo("tg128");
        assertThat(new Workload(512, 128, 1).name()).isEqualTo("pp512+tg128");
        assertThatIllegalArgumentException().isThrownBy(() -> new Workload(0, 0, 1));
    }

    @Test
    void context_holdsEverySequenceInWholeSteps() {
        assertThat(Setup.contextLength(List.of(new Workload(200, 57, 1), new Workload(10, 10, 4)), 0)).isEqualTo(4 * 512);
    }

    @Test
    void unifiedCache_reachesBothLevelsAndTheProgramsThatKnowIt() {
        Setup parts = new Setup(Path.of("model.gguf"), -1, 1, 2048, 512, KvType.F16, KvType.F16, FlashAttention.AUTO, false);
        Setup unified = parts.withUnifiedKv(true);
        List<Workload> workloads = List.of(new Workload(8, 4, 2));
        assertThat(parts.contextOptions(workloads).unifiedKv()).isFalse();
        assertThat(parts.engineOptions(512, 2).unifiedKv()).isFalse();
        assertThat(unified.contextOptions(workloads).unifiedKv()).isTrue();
        assertThat(unified.engineOptions(512, 2).unifiedKv()).isTrue();
        assertThat(LlamaCppArguments.cache(parts)).isEmpty();
        assertThat(LlamaCppArguments.cache(unified)).containsExactly("-kvu");
    }

    @Test
    void engineThatLeavesLayersOnTheCpu_isNoMeasurement() {
        Setup all = new Setup(Path.of("model.gguf"), -1, 1, 2048, 512, KvType.F16, KvType.F16, FlashAttention.AUTO, false);
        var part = new PlacementReport(PlacementPolicy.PREFER_GPU, PlacementTarget.GPU, List.of("CUDA0"), 20, 33, 4096, List.of());
        assertThatExceptionOfType(InsufficientMemoryException.class).isThrownBy(() -> Streams.requireGpus(all, part, "H100"))
                .withMessageContaining("20 of 33 layers fit on H100 beside a context of 4096 tokens");
        Streams.requireGpus(all.withGpuLayers(20), part, "H100");
        Streams.requireGpus(all, part, "");
        var whole = new PlacementReport(PlacementPolicy.PREFER_GPU, PlacementTarget.GPU, List.of("CUDA0"), 33, 33, 4096, List.of());
        Streams.requireGpus(all, whole, "H100");
    }

    @Test
    void sample_isTokensPerSecond() {
        Sample sample = Sample.of(100, SECOND / 2, 10, SECOND * 2);
        assertThat(sample.promptRate()).isEqualTo(200);
        assertThat(sample.generation()).map(Window::rate).contains(5.0);
        assertThat(sample.rate()).isEqualTo(44);
        assertThat(Sample.of(0, 0, 0, 0).rate()).isZero();
        assertThat(Sample.of(7, SECOND, 0, 0).generation()).isEmpty();
    }

    @Test
    void streams_generateFromTheFirstTokenOfTheLastToTheEndOfTheFirst() {
        // One token a second from 1 s to 5 s, and two a second from 2 s to 6 s: 3 and 6 between 2 s and 5 s.
        var streams = List.of(times(5, 1, 2, 3, 4, 5), times(7, 2, 2.5, 3, 3.5, 4, 4.5, 5, 5.5, 6));
        Sample both = StreamTimes.sample(new Workload(6, 10, 2), 0, streams);
        assertThat(both).isEqualTo(new Sample(12, 2 * SECOND, 20, Optional.of(new Window(9, 3 * SECOND)), 6 * SECOND));
        assertThat(both.generation()).map(Window::rate).contains(3.0);
        assertThat(StreamTimes.sample(new Workload(6, 0, 2), 0, streams)).isEqualTo(Sample.of(12, 2 * SECOND, 0, 0));
        assertThat(StreamTimes.sample(new Workload(0, 10, 2), 0, streams)).isEqualTo(Sample.of(0, 0, 20, 5 * SECOND));
    }

    @Test
    void streamsInLockstep_loseNoTokenToTheOrderOfTheirReaders() {
        var window = Window.of(List.of(times(1, 1, 2, 3, 4), times(1, 1.01, 2.01, 3.01, 4.01), times(1, 1.02, 2.02, 3.02, 4.02)));
        assertThat(window.orElseThrow().rate()).isCloseTo(3, within(1e-6));
    }

    @Test
    void windowOfLessThanTwoTokensOfAStream_isNone() {
        assertThat(Window.of(List.of(times(1, 1, 2, 3), times(1, 4, 5, 6)))).as("one ends before the other begins").isEmpty();
        assertThat(Window.of(List.of(times(1, 1, 2, 3, 4), times(1, 2.5, 3, 3.5, 4)))).as("1.5 tokens of the first").isEmpty();
        assertThat(Window.of(List.of(times(1, 1, 2)))).as("one token").isEmpty();
        assertThat(Window.of(List.of(times(1, 1, 2, 3)))).as("two tokens").contains(new Window(2, 2 * SECOND));
    }

    @Test
    void tokensThatCameAtOnce_countEach() {
        assertThat(Window.of(List.of(times(1, 1, 2, 2, 2, 3)))).contains(new Window(4, 2 * SECOND));
    }

    @Test
    void join_putsEachGapWhereItsMiddleIs() {
        // Two streams run from 2 s on; a prompt is asked at 4.1 s, begins at 5.05 s and has its first token at 7.05 s.
        var early = times(1, 1, 2, 3, 4, 5, 6, 7, 8);
        var late = times(1, 2, 3, 4, 5, 6, 7.1, 8.1);
        JoinSample sample = JoinSample.of(List.of(early, late), seconds(4.1), seconds(5.05), seconds(7.05), SECOND);
        assertThat(sample.before()).as("not the one before the second began").hasSize(4).containsOnly(SECOND);
        assertThat(sample.join()).as("not the one after the first token").hasSize(6).contains(seconds(1.1));
        assertThat(sample.prompt()).as("not the one that ran when it was asked").hasSize(4);
        assertThat(sample.joined()).isEqualTo(seconds(2.95));
    }

    @Test
    void joinFigures_areOfAllGapsAndAbsentWithoutOne() {
        List<Long> hundred = LongStream.rangeClosed(1, 100).map(each -> each * 1_000_000).boxed().toList();
        var sample = new JoinSample(hundred.reversed(), List.of(6_000_000L), List.of(), 30, 10);
        var result = new JoinResult(null, null, Level.ENGINE, new JoinWorkload(8, 4, 2, 64), null, null, List.of(sample, sample));
        assertThat(result.gapMillis(JoinSample::before, 0.5)).hasValue(50);
        assertThat(result.gapMillis(JoinSample::before, 0.99)).hasValue(99);
        assertThat(result.firstTokenRatio()).isEqualTo(3);
        assertThat(figure("gap_ratio_p50", result)).hasValue(0.12);
        assertThat(figure("gap_prompt_p50_ms", result)).isEmpty();
        assertThat(figure("gap_join_p99_to_prompt_p50", result)).isEmpty();
    }

    private static OptionalDouble figure(String field, JoinResult result) {
        return JoinFigure.ALL.stream().filter(each -> each.field().equals(field)).findAny().orElseThrow().value().apply(result);
    }

    @Test
    void rateWithoutAWindow_isAbsent() {
        Sample with = Sample.of(8, SECOND, 4, SECOND);
        var without = new Sample(8, SECOND, 4, Optional.empty(), 2 * SECOND);
        assertThat(batchResult(with, with).windowMean(Window::rate)).hasValue(4);
        assertThat(batchResult(with, without).windowMean(Window::rate)).isEmpty();
        assertThat(new Task(null, List.of(), true).rates("low", new Workload(8, 4, 1), without)).extracting(Rate::test)
                .containsExactly("pp8 x1", "pp8+tg4 x1");
    }

    private static Result batchResult(Sample... samples) {
        return new Result(null, null, Level.ENGINE, new Workload(8, 4, 1), null, null, List.of(samples));
    }

    private static StreamTimes times(int promptTokens, double... seconds) {
        return new StreamTimes(promptTokens, Arrays.stream(seconds).mapToLong(BenchTablesTest::seconds).toArray());
    }

    private static long seconds(double seconds) {
        return Math.round(seconds * SECOND);
    }

    @Test
    void ratios_areThoseOfTheRounds() {
        RatioRow row = RatioRow.of(Level.LOW, "llama-bench", "tg128", List.of(90.0, 50.0, 120.0), List.of(100.0, 100.0, 100.0));
        assertThat(row.ours()).isEqualTo(90);
        assertThat(row.theirs()).isEqualTo(100);
        assertThat(row.ratio()).isEqualTo(0.9);
        assertThat(row.least()).isEqualTo(0.5);
        assertThat(row.most()).isEqualTo(1.2);
        assertThat(RatioRow.median(List.of(4.0, 1.0, 3.0, 2.0))).isEqualTo(2.5);
    }

    @Test
    void deviation_isThatOfASample() {
        List<Sample> samples = List.of(Sample.of(1, SECOND, 0, 0), Sample.of(3, SECOND, 0, 0));
        var result = new Result(null, null, Level.LOW, new Workload(1, 0, 1), null, null, samples);
        assertThat(result.mean(Sample::rate)).isEqualTo(2);
        assertThat(result.deviation(Sample::rate)).isCloseTo(Math.sqrt(2), within(1e-9));
        assertThat(new Result(null, null, Level.LOW, new Workload(1, 0, 1), null, null, samples.subList(0, 1)).deviation(Sample::rate)).isZero();
    }

    @Test
    void completion_isReadFromWhatItPrints() {
        String printed = """
                0.03.446.151 I common_perf_print: prompt eval time =      14.00 ms /     2 tokens (    7.35 ms per token,   136.12 tokens per second)
                0.03.446.178 I common_perf_print:        eval time =     972.27 ms /    15 runs   (   64.82 ms per token,    15.43 tokens per second)
                0.03.446.203 I common_perf_print:       total time =    1014.00 ms /    17 tokens
                """;
        assertThat(LlamaCompletion.sample(new Workload(0, 15, 1), printed)).isEqualTo(Sample.of(0, 0, 15, SECOND));
        assertThat(LlamaCompletion.sample(new Workload(2, 15, 1), printed)).isEqualTo(Sample.of(2, 14_000_000, 15, SECOND));
        assertThat(LlamaCompletion.sample(new Workload(2, 0, 1), printed)).isEqualTo(Sample.of(2, 14_000_000, 0, 0));
    }

    @Test
    void syntheticModel_isNamedByShapeAndType() {
        assertThat(SyntheticFile.parse("llama-1b")).hasToString("SyntheticFile[name=llama-1b, type=Q4_0]");
        assertThat(SyntheticFile.parse("llama-8b:f16")).hasToString("SyntheticFile[name=llama-8b, type=F16]");
        assertThatIllegalArgumentException().isThrownBy(() -> SyntheticFile.parse("llama-9b")).withMessageContaining("llama-254m");
        assertThatIllegalArgumentException().isThrownBy(() -> SyntheticFile.parse("llama-8b:q3")).withMessageContaining("q8_0");
    }

    @Test
    void parameters_areCountedAsPeopleSayIt() {
        assertThat(ModelFacts.count(253_600_000)).isEqualTo("254M");
        assertThat(ModelFacts.count(8_030_261_248L)).isEqualTo("8.03B");
    }
}
