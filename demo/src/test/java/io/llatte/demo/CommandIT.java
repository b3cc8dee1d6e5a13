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
import org.junit.jupiter.api.io.TempDir;

/// The commands on a tiny model, as processes.
class CommandIT {

    @TempDir
    private Path folder;
    private String model;

    @BeforeEach
    void findModel() {
        model = TestModel.tiny();
    }

    private LlatteProcess llatte() {
        return new LlatteProcess(folder);
    }

    private static JsonNode json(Result result) throws IOException {
        assertThat(result.exitCode()).as(result.err()).isZero();
        return new ObjectMapper().readTree(result.out());
    }

    @Test
    void chatWithPrompt_printsNothingButTheAnswer() throws Exception {
        Result result = llatte().run("chat", model, "-p", "Hello", "--max-tokens", "8", "--temperature", "0");
        assertThat(result.exitCode()).as(result.err()).isZero();
        assertThat(result.out()).isNotBlank().endsWith("\n").doesNotContain("llatte", "\u001b", "\r");
        assertThat(result.err()).contains("no chat template").doesNotContain("\u001b");
        JsonNode json = json(llatte().run("chat", model, "-p", "Hello", "--max-tokens", "8", "--temperature", "0", "--json"));
        assertThat(result.out().strip()).isEqualTo(json.get("text").asText().strip());
    }

    @Test
    void chatAsJson_isOneObjectOfSixParts() throws Exception {
        JsonNode json = json(llatte().run("chat", model, "-p", "Hello", "--max-tokens", "8", "--seed", "1", "--json"));
        assertThat(json.fieldNames()).toIterable()
                .containsExactly("text", "finishReason", "usage", "timings", "model", "placement");
        assertThat(json.get("finishReason").asText()).isIn("length", "eog", "stop");
        assertThat(json.at("/usage/promptTokens").asInt()).isPositive();
        assertThat(json.at("/usage/cachedTokens").asInt()).isZero();
        assertThat(json.at("/usage/generatedTokens").asInt()).isBetween(1, 8);
        for (String time : List.of("loadMs", "prefillMs", "timeToFirstTokenMs", "decodeMs", "tokensPerSecond")) {
            assertThat(json.at("/timings/" + time).isNumber()).as(time).isTrue();
        }
        assertThat(json.at("/model/id").asText()).isEqualTo("llama-dense.gguf");
        assertThat(json.at("/model/path").asText()).isEqualTo(model);
        assertThat(json.at("/model/architecture").asText()).isEqualTo("llama");
        assertThat(json.at("/placement/devices")).isNotEmpty();
        assertThat(json.at("/placement/gpuLayers").isInt()).isTrue();
    }

    @Test
    void sameSeed_givesTheSameAnswer() throws Exception {
        String[] arguments = {"chat", model, "-p", "Hello", "--max-tokens", "12", "--seed", "42"};
        assertThat(llatte().run(arguments).out()).isEqualTo(llatte().run(arguments).out());
    }

    @Test
    void stdin_isThePromptOrFollowsIt() throws Exception {
        int given = promptTokens(llatte().run("chat", model, "-p", "Hello", "--max-tokens", "1", "--json"));
        int piped = promptTokens(llatte().input("Hello\n").run("chat", model, "--max-tokens", "1", "--json"));
        int both = promptTokens(llatte().input("Hello again").run("chat", model, "-p", "Hello", "--max-tokens", "1", "--json"));
        assertThat(piped).isEqualTo(given);
        assertThat(both).isGreaterThan(given);
    }

    private static int promptTokens(Result result) throws IOException {
        return json(result).at("/usage/promptTokens").asInt();
    }

    @Test
    void readerThatLeaves_endsItQuietly() throws Exception {
        Result result = llatte().runIntoHead("inspect", model);
        assertThat(result.out()).hasLineCount(1);
        assertThat(result.err()).isEmpty();
        assertThat(result.exitCode()).isZero();
    }

    @Test
    void conversationThatIsTooLong_isOneLine() throws Exception {
        Result result = llatte().run("chat", model, "-p", "word ".repeat(2000), "--context", "256");
        assertThat(result.exitCode()).isEqualTo(1);
        assertThat(result.out()).isEmpty();
        assertThat(result.err().lines().toList().getLast()).startsWith("llatte: ").contains("256");
    }

    @Test
    void brokenModel_isOneLine() throws Exception {
        Path broken = folder.resolve("broken.gguf");
        byte[] bytes = Files.readAllBytes(Path.of(model));
        Files.write(broken, java.util.Arrays.copyOf(bytes, bytes.length / 2));
        Path garbage = Files.writeString(folder.resolve("garbage.gguf"), "not a model");
        for (Path file : List.of(broken, garbage)) {
            Result result = llatte().run("chat", file.toString(), "-p", "Hello");
            assertThat(result.exitCode()).isEqualTo(1);
            assertThat(result.out()).isEmpty();
            assertThat(result.err()).startsWith("llatte: ").hasLineCount(1);
        }
    }

    @Test
    void tokenize_printsTokensIdsOrJson() throws Exception {
        JsonNode json = json(llatte().run("tokenize", model, "Hello", "--json"));
        assertThat(json.get("count").asInt()).isEqualTo(json.get("tokens").size()).isPositive();
        Result lines = llatte().input("Hello\n\nHello\n").run("tokenize", "--ids", model);
        assertThat(lines.err()).isEmpty();
        List<String> ids = lines.out().lines().toList();
        assertThat(ids).hasSize(3);
        assertThat(ids.get(0)).isEqualTo(ids.get(2)).matches("\\d+( \\d+)*");
        assertThat(ids.get(0)).startsWith(json.at("/tokens/0/id").asText());
        assertThat(llatte().run("tokenize", model, "Hello", "--ids").out().strip()).isEqualTo(ids.get(0));
    }

    @Test
    void inspect_showsMetadataAndTensors() throws Exception {
        JsonNode json = json(llatte().run("inspect", model, "--json"));
        assertThat(json.at("/architecture").asText()).isEqualTo("llama");
        assertThat(json.at("/metadata").get("llama.block_count").asInt()).isPositive();
        assertThat(json.get("tensors")).isNotEmpty();
        Result text = llatte().run("inspect", model);
        assertThat(text.out()).contains("llama.block_count", "in all]");
        assertThat(text.out().lines()).allMatch(line -> line.length() < 400);
    }

    @Test
    void info_namesVersionsDevicesAndBackends() throws Exception {
        JsonNode json = json(llatte().run("info", "--json"));
        assertThat(json.at("/versions/llamaCpp").asText()).isEqualTo(json.at("/versions/bindings").asText()).isNotEmpty();
        assertThat(json.at("/devices/0/totalBytes").asLong()).isPositive();
        assertThat(json.at("/backends")).isNotEmpty();
        assertThat(json.at("/paths/models").asText()).isEqualTo(folder.resolve("models").toString());
        assertThat(llatte().run("info").out()).contains("Devices", "Backends", "llama.cpp");
    }

    @Test
    void missingNativeLibrary_isOneLine() throws Exception {
        Result result = llatte().nativePath(folder.toString()).run("info");
        assertThat(result.exitCode()).isEqualTo(1);
        assertThat(result.err()).startsWith("llatte: ").contains(folder.toString()).hasLineCount(1);
    }
}
