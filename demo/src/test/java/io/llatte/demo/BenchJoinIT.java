package io.llatte.demo;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.llatte.demo.LlatteProcess.Result;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/// `llatte bench --join` on a tiny model. How long a gap is is nobody's promise; how many there are is.
class BenchJoinIT {

    @TempDir
    private Path folder;

    private Result bench(String arguments) throws Exception {
        return new LlatteProcess(folder).run(("bench -m " + TestModel.tiny() + " -t 1 -r 2 -p 8 " + arguments).split(" "));
    }

    private String printed(String arguments) throws Exception {
        Result result = bench(arguments);
        assertThat(result.exitCode()).as(result.err()).isZero();
        return result.out();
    }

    @Test
    void join_isToldWithItsGaps() throws Exception {
        JsonNode rows = new ObjectMapper().readTree(printed("-n 16 --parallel 3 --join 256 -ub 64 -o json"));
        assertThat(rows).hasSize(1);
        JsonNode row = rows.get(0);
        assertThat(row.get("level").asText()).isEqualTo("engine");
        assertThat(List.of(row.get("pl").asInt(), row.get("tg").asInt(), row.get("join").asInt())).containsExactly(3, 16, 256);
        // Two runs, three streams, and several steps of 61 tokens of the prompt; the last stream to begin has 15 gaps before.
        assertThat(row.get("gaps_prompt").asInt()).isGreaterThanOrEqualTo(2 * 3).isLessThanOrEqualTo(row.get("gaps_join").asInt());
        assertThat(row.get("gaps_before").asInt()).isGreaterThanOrEqualTo(2 * 15);
        for (String kind : List.of("before", "join")) {
            assertThat(row.get("gap_" + kind + "_p50_ms").asDouble()).isPositive().isLessThanOrEqualTo(row.get("gap_" + kind + "_p99_ms").asDouble());
        }
        assertThat(row.get("gap_ratio_p50").asDouble()).isEqualTo(row.get("gap_join_p50_ms").asDouble() / row.get("gap_before_p50_ms").asDouble());
        assertThat(row.get("gap_join_p99_to_prompt_p50").asDouble())
                .isEqualTo(row.get("gap_join_p99_ms").asDouble() / row.get("gap_prompt_p50_ms").asDouble());
        assertThat(row.get("ttft_join_ms").asDouble()).isPositive();
        assertThat(row.get("ttft_alone_ms").asDouble()).isPositive();
        assertThat(row.get("ttft_ratio").asDouble()).isPositive();
        assertThat(row.get("kv_cache_bytes").asLong()).isPositive();
    }

    @Test
    void joins_haveARowEach() throws Exception {
        List<String> lines = printed("-n 4 --parallel 1,2 --join 8,16 --level engine,chat -kvu").lines().toList();
        assertThat(lines).hasSize(2 + 8).allMatch(line -> line.startsWith("| ") && line.endsWith(" |"));
        assertThat(lines.getFirst()).contains(" join |", " gap p50 ms |", " p99 ratio |", " join p99/prompt p50 |", " TTFT ms |", " alone ms |",
                " TTFT ratio |");
    }

    @ParameterizedTest
    @CsvSource({"--join 64, --parallel", "--parallel 2 --join 64 --level low, level low", "--parallel 2 --join 0, joins",
        "--parallel 2 -n 2 --join 8, at least 3", "--parallel 2 --join 8 --compare /tmp, exclude each other", "--parallel 2 --join 8-4, backwards"})
    void joinThatCannotBe_isMisuse(String arguments, String why) throws Exception {
        Result result = bench(arguments);
        assertThat(result.exitCode()).isEqualTo(2);
        assertThat(result.err()).startsWith("llatte: ").contains(why).hasLineCount(1);
    }
}
