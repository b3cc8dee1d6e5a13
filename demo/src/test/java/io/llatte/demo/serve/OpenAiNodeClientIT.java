package io.llatte.demo.serve;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.llatte.demo.TestModel;
import io.llatte.engine.ContextSize;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// OpenAI's own client for Node, by the tests in `src/test/node`.
class OpenAiNodeClientIT {

    private static final Path SCRIPTS = Path.of("src/test/node");
    private static final String MODEL = "caller";

    @TempDir
    private Path folder;

    private record Result(int exitCode, String output) {
    }

    private Result run(Map<String, String> environment, String... command) throws IOException, InterruptedException {
        Path output = Files.createTempFile(folder, "output", ".txt");
        ProcessBuilder builder = new ProcessBuilder(command).directory(folder.toFile()).redirectErrorStream(true).redirectOutput(output.toFile());
        builder.environment().putAll(environment);
        Process process;
        try {
            process = builder.start();
        } catch (IOException notThere) {
            return new Result(-1, notThere.getMessage());
        }
        if (!process.waitFor(5, TimeUnit.MINUTES)) {
            process.destroyForcibly();
            throw new AssertionError("did not end: " + List.of(command) + "\n" + Files.readString(output));
        }
        return new Result(process.exitValue(), Files.readString(output));
    }

    @Test
    void theClientsTests_pass() throws Exception {
        for (String file : List.of("package.json", "package-lock.json", "openai-client.test.mjs")) {
            Files.copy(SCRIPTS.resolve(file), folder.resolve(file));
        }
        Result version = run(Map.of(), "node", "--version");
        assumeTrue(version.exitCode == 0 && Integer.parseInt(version.output.strip().split("[v.]")[1]) >= 20, () -> "needs Node 20 or later: " + version);
        Result installed = run(Map.of(), "npm", "ci", "--no-audit", "--no-fund");
        assumeTrue(installed.exitCode == 0, () -> "npm cannot install OpenAI's client: " + installed);

        ServerFixture.Builder builder = ServerFixture.builder().apiKey("a-key").catalog(TestModel.callingTools(MODEL))
                .copy(Path.of(TestModel.real()), MODEL + ".gguf");
        builder.engine.sequences(4).contextSize(ContextSize.of(4096)).reproducible(true);
        try (ServerFixture server = builder.start()) {
            server.llm().init(MODEL);
            Result result = run(Map.of("LLATTE_URL", server.uri("/v1").toString(), "LLATTE_KEY", "a-key", "LLATTE_MODEL", MODEL),
                    "node", "--test", "--test-reporter=tap", "openai-client.test.mjs");
            assertThat(result.exitCode).as(result.output).isZero();
            assertThat(result.output).contains("# fail 0", "# skipped 0").containsPattern("# pass 2[0-9]\n");
        }
    }
}
