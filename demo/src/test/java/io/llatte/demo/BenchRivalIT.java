package io.llatte.demo;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.llatte.demo.LlatteProcess.Result;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/// `llatte bench --compare` with programs that do not do what they should: shell scripts.
@EnabledOnOs({OS.LINUX, OS.MAC})
class BenchRivalIT {

    private static final String COMPLETION = """
            echo 'prompt eval time =      10.00 ms /     8 tokens'
            echo '       eval time =      20.00 ms /     4 runs'
            echo '      total time =      30.00 ms'
            """;

    @TempDir
    private Path folder;

    private Path programs;

    @BeforeEach
    void makeFolder() throws IOException {
        programs = Files.createDirectory(folder.resolve("programs"));
    }

    private void program(String name, String script) throws IOException {
        Path file = Files.writeString(programs.resolve(name), "#!/bin/sh\n" + script + "\n");
        assertThat(file.toFile().setExecutable(true)).isTrue();
    }

    private Result compare(String arguments) throws Exception {
        return new LlatteProcess(folder).run(("bench -m " + TestModel.tiny() + " -t 1 -r 2 --compare " + programs + " " + arguments).split(" "));
    }

    private List<JsonNode> rows(Result result) throws IOException {
        assertThat(result.exitCode()).as(result.err()).isEqualTo(1);
        assertThat(result.err()).endsWith("llatte: a program of llama.cpp's failed: see the rows that say so\n");
        return new ObjectMapper().readerForListOf(JsonNode.class).readValue(result.out());
    }

    @ParameterizedTest
    @CsvSource(delimiterString = "=>", value = {
        "echo '[{\"n_prompt\": 8,'; echo 'out of | memory' >&2; exit 3 => exit code 3: out of | memory",
        "kill -9 $$ => exit code 137",
        "printf '\\377\\376 rubbish \\001' => printed no JSON",
        "true => printed no array",
        "echo '{\"n_prompt\": 8}' => printed no array",
        "echo '[{\"n_prompt\": 8, \"n_gen\": 0}]' => printed nothing as 'avg_ts'",
        "echo '[{\"n_prompt\": 8, \"n_gen\": 0, \"avg_ts\": -1}]' => printed -1 as 'avg_ts'",
        "echo '[{\"n_prompt\": 0, \"n_gen\": 0, \"avg_ts\": 1}]' => a result of no workload",
        "echo '[{\"n_prompt\": 8, \"n_gen\": 0, \"avg_ts\": 1}]' => no result for tg4"})
    void programThatFails_hasARowThatSaysSo(String script, String why) throws Exception {
        program("llama-bench", script);
        program("llama-completion", COMPLETION);

        List<JsonNode> rows = rows(compare("-p 8 -n 4 --level engine -o json"));

        assertThat(rows).hasSize(3);
        assertThat(rows.get(0).get("rival").asText()).isEqualTo("llama-bench");
        assertThat(rows.get(0).get("error").asText()).startsWith("in round 1 of 2: ").contains(why);
        assertThat(rows.get(0).has("ratio")).isFalse();
        assertThat(rows.subList(1, 3)).allMatch(row -> row.get("rival").asText().equals("llama-completion") && row.get("ratio").asDouble() > 0);
    }

    @Test
    void programThatDiesInALaterRound_isOutAndTheOthersGoOn() throws Exception {
        Path been = folder.resolve("been");
        program("llama-batched-bench", "if [ -e " + been + " ]; then echo 'device | lost' >&2; exit 1; fi; touch " + been + "\n"
                + "echo '{\"pp\": 8, \"tg\": 4, \"pl\": 2, \"speed_pp\": 2.0, \"speed_tg\": 1.0, \"speed\": 1.5}'");
        program("llama-server", "echo 'unknown model' >&2; exit 1");

        Result result = compare("-p 8 -n 4 --parallel 2 --level low,engine");

        assertThat(result.exitCode()).isEqualTo(1);
        assertThat(result.out()).contains("| low    | llama-batched-bench ", "failed: in round 2 of 2: llama-batched-bench failed with exit code 1: "
                + "device \\| lost", "| engine | llama-server /completion ", "failed: in round 1 of 2: llama-server ended: unknown model");
    }

    @Test
    void batchesThatAreLostOnce_areAskedAgain() throws Exception {
        Path been = folder.resolve("been");
        program("llama-batched-bench", "echo asked >> " + been + "\nif [ $(wc -l < " + been + ") -gt 1 ]; then "
                + "echo '{\"pp\": 8, \"tg\": 4, \"pl\": 2, \"speed_pp\": 2.0, \"speed_tg\": 1.0, \"speed\": 1.5}'; fi");
        Result result = compare("-p 8 -n 4 --parallel 2 --level low");
        assertThat(result.exitCode()).as(result.err()).isZero();
        assertThat(been).content().hasLineCount(3);
    }

    @Test
    void batchesThatArePrintedAsRubbish_areSaid() throws Exception {
        program("llama-batched-bench", "echo '{\"pp\": 8, '");
        String work = "-p 8 -n 4 --parallel 2 --level low -o json";
        assertThat(rows(compare(work)).getFirst().get("error").asText()).contains("printed no JSON: {\"pp\": 8,");
        program("llama-batched-bench", "echo 'n_kv_max is too small'");
        assertThat(rows(compare(work)).getFirst().get("error").asText()).contains("no result for pp8+tg4 x2");
    }
}
