package io.llatte.demo;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.llatte.demo.LlatteProcess.Result;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// The chat with the default model.
class DefaultModelIT {

    @TempDir
    private Path folder;

    @Test
    void pipedPrompt_isAnswered() throws Exception {
        Result result = new LlatteProcess(folder).input("What is the capital of France?\n").run("chat", TestModel.real(), "--temperature", "0",
                "--policy", "cpu-only");
        assertThat(result.exitCode()).as(result.err()).isZero();
        assertThat(result.out()).contains("Paris").doesNotContain("User:").hasLineCount(1);
        assertThat(result.err()).isEmpty();
    }

    @Test
    void modelInTheStore_isFoundByItsId() throws Exception {
        Path models = Files.createDirectories(folder.resolve("models"));
        Files.createSymbolicLink(models.resolve("gemma-3-270m-q4_k_m.gguf"), Path.of(TestModel.real()).toAbsolutePath());
        Result result = new LlatteProcess(folder).run("chat", "-p", "Say hello", "--system", "You are a friendly assistant.", "--seed", "1", "--json");
        assertThat(result.exitCode()).as(result.err()).isZero();
        JsonNode json = new ObjectMapper().readTree(result.out());
        assertThat(json.at("/model/id").asText()).isEqualTo("gemma3-270m");
        assertThat(json.at("/text").asText()).isNotBlank();
    }
}
