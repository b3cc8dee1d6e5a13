package io.llatte.demo.bench;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.within;

import java.util.List;
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
    void sample_isTokensPerSecond() {
        Sample sample = Sample.of(100, SECOND / 2, 10, SECOND * 2);
        assertThat(sample.promptRate()).isEqualTo(200);
        assertThat(sample.generationRate()).isEqualTo(5);
        assertThat(sample.rate()).isEqualTo(44);
        assertThat(Sample.of(0, 0, 0, 0).rate()).isZero();
    }

    @Test
    void streams_overlap() {
        var streams = List.of(new StreamTimes(5, SECOND, 3 * SECOND), new StreamTimes(7, 2 * SECOND, 4 * SECOND));
        Sample both = StreamTimes.sample(new Workload(6, 10, 2), 0, streams);
        assertThat(both).isEqualTo(new Sample(12, 2 * SECOND, 20, 3 * SECOND, 4 * SECOND));
        assertThat(StreamTimes.sample(new Workload(6, 0, 2), 0, streams)).isEqualTo(Sample.of(12, 2 * SECOND, 0, 0));
        assertThat(StreamTimes.sample(new Workload(0, 10, 2), 0, streams)).isEqualTo(Sample.of(0, 0, 20, 3 * SECOND));
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
        var result = new Result(null, null, Level.LOW, new Workload(1, 0, 1), null, samples);
        assertThat(result.mean(Sample::rate)).isEqualTo(2);
        assertThat(result.deviation(Sample::rate)).isCloseTo(Math.sqrt(2), within(1e-9));
        assertThat(new Result(null, null, Level.LOW, new Workload(1, 0, 1), null, samples.subList(0, 1)).deviation(Sample::rate)).isZero();
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
