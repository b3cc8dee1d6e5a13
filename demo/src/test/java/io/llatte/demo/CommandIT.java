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
        assertThat(result.err()).contains("llatte: ", "no chat template", "ChatML").doesNotContain("\u001b", "WARN");
        assertThat(result.err().lines()).allMatch(line -> line.startsWith("llatte: "));
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
        assertThat(json.at("/placement/target").asText()).isIn("cpu", "gpu");
        assertThat(json.at("/placement/policy").asText()).isEqualTo("prefer-gpu");
        assertThat(json.at("/placement/fallbacks").size()).isEqualTo(json.at("/placement/target").asText().equals("gpu") ? 0 : 1);
    }

    @Test
    void stepDown_isOneLineAndPartOfTheObject() throws Exception {
        Result result = llatte().run("chat", model, "-p", "Hello", "--max-tokens", "2", "--json");
        for (JsonNode step : json(result).at("/placement/fallbacks")) {
            assertThat(result.err().lines()).filteredOn(line -> line.contains("not on the GPU, trying the CPU")).hasSize(1)
                    .allMatch(line -> line.contains(step.get("reason").asText()));
        }
        Result cpu = llatte().run("chat", model, "-p", "Hello", "--max-tokens", "2", "--json", "--policy", "cpu-only");
        assertThat(cpu.err()).doesNotContain("not on the");
        assertThat(json(cpu).at("/placement/policy").asText()).isEqualTo("cpu-only");
        assertThat(json(cpu).at("/placement/fallbacks")).isEmpty();
        assertThat(json(cpu).at("/placement/target").asText()).isEqualTo("cpu");
    }

    @Test
    void oneShot_takesTheChosenModelAndChangesNoChoice() throws Exception {
        Path preference = llatte().preference();
        Files.createDirectories(preference.getParent());
        Files.writeString(preference, model + "\n");
        JsonNode json = json(llatte().run("chat", "-p", "Hello", "--max-tokens", "1", "--json"));
        assertThat(json.at("/model/path").asText()).isEqualTo(model);

        String other = Files.copy(Path.of(model), folder.resolve("other.gguf")).toString();
        json = json(llatte().input("Hello").run("chat", other, "--max-tokens", "1", "--json"));
        assertThat(json.at("/model/id").asText()).isEqualTo("other.gguf");
        assertThat(preference).hasContent(model);
    }

    @Test
    void contextSizeAndKvType_areObeyed() throws Exception {
        JsonNode json = json(llatte().run("chat", model, "-p", "Hello", "--max-tokens", "1", "--json", "--context", "1024", "--policy", "cpu-only"));
        assertThat(json.at("/placement/contextLength").asInt()).isEqualTo(1024);
        JsonNode wide = json(llatte().run("chat", model, "-p", "Hello", "--max-tokens", "1", "--json", "--context", "1024", "--policy", "cpu-only",
                "--kv-type", "f32"));
        assertThat(wide.at("/placement/devices/0/kvCacheBytes").asLong()).isEqualTo(2 * json.at("/placement/devices/0/kvCacheBytes").asLong());
        JsonNode fitting = json(llatte().run("chat", model, "-p", "Hello", "--max-tokens", "1", "--json", "--context", "fit"));
        assertThat(fitting.at("/placement/contextLength").asInt()).isEqualTo(256);
    }

    @Test
    void plan_isWhatALoadTakes() throws Exception {
        String[] options = {"--policy", "cpu-only", "--context", "512", "--json"};
        JsonNode plan = json(llatte().run("plan", model, options[0], options[1], options[2], options[3], options[4]));
        JsonNode loaded = json(llatte().run("chat", model, "-p", "Hello", "--max-tokens", "1", options[0], options[1], options[2], options[3], options[4]));
        assertThat(plan.at("/totalBytes").asLong() - loaded.at("/placement/totalBytes").asLong()).isBetween(0L, 64L);
        assertThat(plan.at("/devices")).hasSameSizeAs(loaded.at("/placement/devices"));
        JsonNode device = plan.at("/devices/0");
        assertThat(device.get("kvCacheBytes")).isEqualTo(loaded.at("/placement/devices/0/kvCacheBytes"));
        assertThat(device.get("totalBytes").asLong()).isEqualTo(device.get("weightsBytes").asLong() + device.get("kvCacheBytes").asLong()
                + device.get("computeBytes").asLong());
        assertThat(llatte().run("plan", model).out()).contains("weights", "KV cache", "compute", "total", "CPU");
    }

    @Test
    void serverThatAnswersInItsPlace_isTold() throws Exception {
        Path garbage = Files.writeString(folder.resolve("garbage.gguf"), "not a model");
        try (var server = new ChatServer()) {
            Result result = llatte().environment("LLATTE_REMOTE_KEY", "sk-secret").run("chat", garbage.toString(), "-p", "Hello", "--json",
                    "--remote", server.url(), "--remote-model", "far", "--verbose");
            JsonNode json = json(result);
            assertThat(json.get("text").asText()).isEqualTo("Hi there");
            assertThat(json.at("/placement/target").asText()).isEqualTo("remote");
            assertThat(json.at("/placement/fallbacks/0/reason").asText()).contains("garbage.gguf");
            assertThat(json.at("/model/id").asText()).isEqualTo("garbage.gguf");
            assertThat(json.at("/model/path").isNull()).isTrue();
            assertThat(server.authorization()).isEqualTo("Bearer sk-secret");
            assertThat(result.err()).contains("trying the server").doesNotContain("sk-secret");
        }
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
            Result result = llatte().run("chat", file.toString(), "-p", "Hello", "--policy", "cpu-only");
            assertThat(result.exitCode()).isEqualTo(1);
            assertThat(result.out()).isEmpty();
            assertThat(result.err()).startsWith("llatte: ").hasLineCount(1);
        }
    }

    @Test
    void adapterThatIsNone_isOneLine() throws Exception {
        Result missing = llatte().run("chat", model, "-p", "Hello", "--lora", folder.resolve("none.gguf") + "=0.5");
        assertThat(missing.exitCode()).isEqualTo(2);
        assertThat(missing.err()).contains("--lora", "none.gguf");
        Result noAdapter = llatte().run("chat", model, "-p", "Hello", "--lora", model + "=0.5");
        assertThat(noAdapter.exitCode()).isEqualTo(1);
        assertThat(noAdapter.err().lines().toList().getLast()).startsWith("llatte: ").contains("no adapter");
    }

    @Test
    void perplexity_isANumberOrAnObject() throws Exception {
        Path text = Files.writeString(folder.resolve("text"), "once upon a time ".repeat(100));
        Result result = llatte().run("perplexity", model, text.toString(), "--window", "64");
        assertThat(result.exitCode()).as(result.err()).isZero();
        assertThat(result.out()).matches("[0-9.]+ \\+/- [0-9.]+ over [0-9]+ windows of 64 tokens\n");
        JsonNode json = json(llatte().run("perplexity", model, text.toString(), "--window", "64", "--json"));
        assertThat(result.out()).startsWith("%.4f +/- %.5f".formatted(json.get("perplexity").asDouble(), json.get("standardError").asDouble()));
        assertThat(json.get("scoredTokens").asInt()).isEqualTo(31 * json.get("windows").asInt());
        Result tooShort = llatte().run("perplexity", model, text.toString());
        assertThat(tooShort.exitCode()).isEqualTo(1);
        assertThat(tooShort.out()).isEmpty();
        assertThat(tooShort.err().lines().toList().getLast()).startsWith("llatte: ").contains("512");
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
