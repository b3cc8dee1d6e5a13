package io.llatte.demo;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.llatte.demo.LlatteProcess.Result;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// `llatte embed` on a tiny model, as a process.
class EmbedCommandIT {

    @TempDir
    private Path folder;
    private String model;

    @BeforeEach
    void findModel() {
        model = TestModel.tiny();
    }

    private Result embed(String input, String... arguments) throws Exception {
        return new LlatteProcess(folder).input(input).run(Stream.concat(Stream.of("embed", model, "--policy", "cpu-only"), Arrays.stream(arguments))
                .toArray(String[]::new));
    }

    private static JsonNode json(Result result) throws IOException {
        assertThat(result.exitCode()).as(result.err()).isZero();
        return new ObjectMapper().readTree(result.out());
    }

    private static List<double[]> rows(Result result) {
        assertThat(result.exitCode()).as(result.err()).isZero();
        return result.out().lines().map(line -> Arrays.stream(line.strip().split(" +")).mapToDouble(Double::parseDouble).toArray()).toList();
    }

    @Test
    void texts_becomeALineEach_howeverTheyAreGiven() throws Exception {
        List<double[]> rows = rows(embed("", "hello world", "yes"));
        assertThat(rows).hasSize(2).allSatisfy(row -> {
            assertThat(row).hasSize(256);
            assertThat(Arrays.stream(row).map(value -> value * value).sum()).isCloseTo(1, within(1e-4));
        });
        Path file = Files.writeString(folder.resolve("texts"), "hello world\nyes\n");
        for (Result same : List.of(embed("hello world\nyes\n"), embed("", "--file", file.toString()))) {
            List<double[]> others = rows(same);
            for (int i = 0; i < 2; i++) {
                assertThat(others.get(i)).containsExactly(rows.get(i));
            }
        }
    }

    @Test
    void json_carriesTheSameVectors_andTheCountOfTokens() throws Exception {
        JsonNode json = json(embed("", "hello world", "yes", "--format", "json", "--no-normalize", "--pooling", "mean"));
        assertThat(json.get("tokens").asInt()).isPositive();
        assertThat(json.get("length").asInt()).isEqualTo(256);
        assertThat(json.get("embeddings")).hasSize(2).allSatisfy(vector -> assertThat(vector).hasSize(256));
        double squares = 0;
        for (JsonNode value : json.at("/embeddings/0")) {
            squares += value.asDouble() * value.asDouble();
        }
        assertThat(squares).isNotCloseTo(1, within(0.01));
    }

    @Test
    void similarity_isOneForEqualTexts() throws Exception {
        List<double[]> rows = rows(embed("yes\nhello world\nyes\n", "--similarity"));
        assertThat(rows).hasSize(3).allSatisfy(row -> assertThat(row).hasSize(3));
        assertThat(rows.get(0)[2]).isEqualTo(1);
        assertThat(rows.get(0)[1]).isEqualTo(rows.get(1)[0]).isLessThan(1);
        assertThat(json(embed("yes\nno\n", "--similarity", "--format", "json")).at("/similarity/1/1").asDouble()).isCloseTo(1, within(1e-6));
    }

    @Test
    void longText_isOneLineOfFailure_orSplit() throws Exception {
        String text = "hello world ".repeat(2000);
        Result refused = embed(text);
        assertThat(refused.exitCode()).isEqualTo(1);
        assertThat(refused.out()).isEmpty();
        assertThat(refused.err().lines().toList().getLast()).startsWith("llatte: ").contains("tokens", "together at most");
        assertThat(rows(embed(text, "--split"))).hasSize(1);
    }

    @Test
    void rankingWithAModelThatCannot_isOneLineOfFailure() throws Exception {
        Result result = embed("", "a", "b", "--query", "hello");
        assertThat(result.exitCode()).isEqualTo(1);
        assertThat(result.err().lines().toList().getLast()).isEqualTo("llatte: llama-dense.gguf cannot rank: it has no classification head");
    }
}
