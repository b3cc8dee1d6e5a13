package io.llatte.demo;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.llatte.demo.LlatteProcess.Result;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;

/// `llatte bench` on a tiny model, as a process. What the figures are is nobody's promise.
class BenchIT {

    @TempDir
    private Path folder;

    private Result bench(String arguments) throws Exception {
        Result result = new LlatteProcess(folder).run(("bench -m " + TestModel.tiny() + " -t 1 -r 2 " + arguments).split(" "));
        assertThat(result.exitCode()).as(result.err()).isZero();
        return result;
    }

    @Test
    void table_hasARowForEachLevelAndTest() throws Exception {
        List<String> lines = bench("-p 8 -n 4 -pg 8,4").out().lines().toList();
        assertThat(lines).hasSize(2 + 9).allMatch(line -> line.startsWith("| ") && line.endsWith(" |"));
        assertThat(lines.getFirst()).contains("model", "threads", "level", "test", "t/s").doesNotContain("n_batch");
        assertThat(lines.get(2)).contains("llama", "| low ", "| pp8 ", " ± ");
        assertThat(lines.get(10)).contains("| chat ", "| pp8+tg4 ");
    }

    @Test
    void json_hasTheNamesOfLlamaBench() throws Exception {
        JsonNode rows = new ObjectMapper().readTree(bench("-p 0 -n 4 --level low,engine -o json -ub 8,16").out());
        assertThat(rows).hasSize(4);
        JsonNode row = rows.get(0);
        assertThat(row.get("n_gen").asInt()).isEqualTo(4);
        assertThat(row.get("n_prompt").asInt()).isZero();
        assertThat(row.get("n_ubatch").asInt()).isEqualTo(8);
        assertThat(row.get("n_threads").asInt()).isEqualTo(1);
        assertThat(row.get("type_k").asText()).isEqualTo("f16");
        assertThat(row.get("samples_ts")).hasSize(2).allMatch(rate -> rate.asDouble() > 0);
        assertThat(row.get("avg_ts").asDouble()).isPositive();
    }

    @Test
    void parallel_countsEverySequence() throws Exception {
        JsonNode rows = new ObjectMapper().readTree(bench("-p 8 -n 4 --parallel 1,3 -o json").out());
        assertThat(rows).hasSize(6);
        assertThat(rows.get(1).get("pl").asInt()).isEqualTo(3);
        assertThat(rows.get(1).get("n_kv").asInt()).isEqualTo(36);
        assertThat(rows).allMatch(row -> row.get("speed").asDouble() > 0);
        assertThat(rows.get(0).get("speed_tg").asDouble()).isPositive();
        // Streams of four tokens may not all have generated at the same time.
        assertThat(rows).allMatch(row -> row.has("t_tg") == row.has("speed_tg") && (!row.has("speed_tg") || row.get("speed_tg").asDouble() > 0));
        assertThat(bench("-p 8 -n 4 --parallel 2 --level low").out()).contains("S_PP t/s", "S_TG t/s", "N_KV");
    }

    @Test
    void rateOfTooFewTokens_isAbsent() throws Exception {
        JsonNode rows = new ObjectMapper().readTree(bench("-p 8 -n 1 --parallel 2 --level engine -o json").out());
        assertThat(rows).hasSize(1).noneMatch(row -> row.has("speed_tg") || row.has("t_tg") || row.has("stddev_speed_tg"));
        String row = bench("-p 8 -n 1 --parallel 2 --level engine").out().lines().toList().get(2);
        assertThat(row.replace(" ", "").split("\\|")).as(row).filteredOn("-"::equals).hasSize(2);
    }

    @Test
    void memory_isThatOfTheContextThatDidTheWork() throws Exception {
        JsonNode rows = new ObjectMapper().readTree(bench("-p 250,300 -n 4 --parallel 1,3 --level low,engine -o json").out());
        assertThat(rows).hasSize(8);
        long cell = rows.get(0).get("kv_cache_bytes").asLong() / rows.get(0).get("n_ctx").asLong();
        assertThat(rows).allMatch(row -> row.get("kv_cache_bytes").asLong() == cell * row.get("n_ctx").asLong());
        assertThat(rows).allMatch(row -> row.get("compute_bytes").asLong() > 0);
        assertThat(rows).extracting(row -> row.get("n_ctx").asInt()).containsExactly(256, 768, 512, 1536, 512, 1536, 512, 1536);
        assertThat(bench("-p 8 -n 4 --level low").out()).contains(" KV |", " compute |");
    }

    @Test
    void whatDoesNotFit_isLeftOutAndTheOthersAreMeasured() throws Exception {
        Result result = new LlatteProcess(folder).run("bench", "-m", TestModel.tiny(), "-t", "1", "-r", "1", "-n", "4", "--level", "engine",
                "--parallel", "1", "-o", "json", "-p", "30000000,8");
        assertThat(result.exitCode()).isEqualTo(1);
        assertThat(result.err()).contains("llatte: left out, as it does not fit: engine pp30000000+tg4: ", " bytes on CPU");
        assertThat(new ObjectMapper().readTree(result.out())).extracting(row -> row.get("pp").asInt()).containsExactly(8);
    }

    @Test
    void parallelStreams_areMeasured() throws Exception {
        assertThat(bench("-p 8 -n 4 --parallel 2 --level engine,chat").out()).contains("| engine ", "| chat ");
    }

    @Test
    @EnabledOnOs({OS.LINUX, OS.MAC})
    void comparison_isWithWhatTheFolderHas() throws Exception {
        Path programs = Files.createDirectory(folder.resolve("programs"));
        Path script = Files.writeString(programs.resolve("llama-bench"), "#!/bin/sh\necho loading >&2\n"
                + "echo '[{\"n_prompt\": 8, \"n_gen\": 0, \"avg_ts\": 0.5}, {\"n_prompt\": 0, \"n_gen\": 4, \"avg_ts\": 0.25}]'\n");
        assertThat(script.toFile().setExecutable(true)).isTrue();

        JsonNode rows = new ObjectMapper().readTree(bench("-p 8 -n 4 --level low,chat -o json --compare " + programs).out());

        assertThat(rows).hasSize(4);
        assertThat(rows.get(0).get("rival").asText()).isEqualTo("llama-bench");
        assertThat(rows.get(0).get("test").asText()).isEqualTo("pp8");
        assertThat(rows.get(0).get("rival_ts").asDouble()).isEqualTo(0.5);
        assertThat(rows).allMatch(row -> row.get("ratio").asDouble() > 0 && row.get("ratio_min").asDouble() <= row.get("ratio_max").asDouble());
        assertThat(bench("-p 8 -n 4 --level low --compare " + programs).out()).contains("| low    | llama-bench | pp8 ", "ratio", "least", "most");
    }

    @Test
    @EnabledOnOs({OS.LINUX, OS.MAC})
    void unifiedCache_isForAllWhoCompete() throws Exception {
        Path programs = Files.createDirectory(folder.resolve("programs"));
        Path asked = folder.resolve("asked");
        Path script = Files.writeString(programs.resolve("llama-batched-bench"), "#!/bin/sh\necho \"$*\" > " + asked + "\n"
                + "echo '{\"pp\": 8, \"tg\": 4, \"pl\": 2, \"speed_pp\": 2.0, \"speed_tg\": 1.0, \"speed\": 1.5}'\n");
        assertThat(script.toFile().setExecutable(true)).isTrue();
        String work = "-p 8 -n 4 --parallel 2 --level low -o json ";

        assertThat(new ObjectMapper().readTree(bench(work + "--compare " + programs).out())).noneMatch(row -> row.get("kv_unified").asBoolean());
        assertThat(asked).content().contains("-npl 2").doesNotContain("-kvu");
        assertThat(new ObjectMapper().readTree(bench(work + "-kvu --compare " + programs).out())).allMatch(row -> row.get("kv_unified").asBoolean());
        assertThat(asked).content().contains("-npl 2", " -kvu");
    }

    @Test
    @EnabledOnOs({OS.LINUX, OS.MAC})
    void testWithoutARate_hasNoRatio() throws Exception {
        Path programs = Files.createDirectory(folder.resolve("programs"));
        Path script = Files.writeString(programs.resolve("llama-batched-bench"), "#!/bin/sh\n"
                + "echo '{\"pp\": 8, \"tg\": 1, \"pl\": 2, \"speed_pp\": 2.0, \"speed_tg\": 1.0, \"speed\": 1.5}'\n");
        assertThat(script.toFile().setExecutable(true)).isTrue();

        JsonNode rows = new ObjectMapper().readTree(bench("-p 8 -n 1 --parallel 2 --level engine -o json --compare " + programs).out());

        assertThat(rows).extracting(row -> row.get("test").asText()).containsExactly("pp8 x2", "tg1 x2", "pp8+tg1 x2");
        assertThat(rows).extracting(row -> row.has("ratio")).containsExactly(true, false, true);
    }

    @Test
    void folderWithoutPrograms_isSaid() throws Exception {
        Result result = new LlatteProcess(folder).run("bench", "-m", TestModel.tiny(), "--compare", folder.toString());
        assertThat(result.exitCode()).isEqualTo(1);
        assertThat(result.err()).startsWith("llatte: ").contains("has no program").hasLineCount(1);
    }

    @Test
    void syntheticModel_wantsAVocabulary() throws Exception {
        Result result = new LlatteProcess(folder).run("bench", "--synthetic", "llama-135m", "--vocab", "/no/such/file.gguf", "--synthetic-dir",
                folder.resolve("synthetic").toString());
        assertThat(result.exitCode()).isEqualTo(1);
        assertThat(result.err()).startsWith("llatte: ").contains("/no/such/file.gguf").hasLineCount(1);
        assertThat(Files.list(folder.resolve("synthetic"))).isEmpty();
    }
}
