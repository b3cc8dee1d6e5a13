package io.llatte.llama;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/// llama.cpp's own program for embeddings, built from the same source.
final class LlamaEmbedding {

    private static final String SEPARATOR = "<#split#>";

    private LlamaEmbedding() {
    }

    static float[][] embed(Path gguf, Path temp, List<String> texts, String... arguments) throws IOException, InterruptedException {
        Path tool = Path.of(System.getProperty("llatte.test.build"), "bin", "llatte-embedding-reference");
        assumeTrue(Files.isExecutable(tool), () -> tool + " is missing: build with -DLLATTE_TESTS=ON");
        Path log = temp.resolve("llama-embedding.log");
        List<String> command = new ArrayList<>(List.of(tool.toString(), "-m", gguf.toString(), "-p", String.join(SEPARATOR, texts),
                "--embd-separator", SEPARATOR, "--embd-output-format", "array", "-dev", "none", "-t", String.valueOf(CpuTopology.usableCores())));
        command.addAll(List.of(arguments));
        Process process = new ProcessBuilder(command).redirectError(log.toFile()).start();
        process.getOutputStream().close();
        String output = new String(process.getInputStream().readAllBytes(), UTF_8);
        assertThat(process.waitFor()).as(Files.readString(log)).isZero();
        // Of ranks only the first numbers are there: behind them the program prints what lies in memory.
        String numbers = output.substring(output.indexOf("[[")).replaceAll("-?(nan|inf)", "0");
        return new ObjectMapper().readValue(numbers, float[][].class);
    }
}
