package io.llatte.llama;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.llatte.memory.DeviceArena;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// Greedy output equals `llama-completion`'s, built from the same source, token for token.
///
/// That tool prints text, not ids (its prompt cache holds ids, but writing it evaluates the prompt in two parts, which rounds differently): the
/// texts must be equal to the byte, and so must the number of tokens.
class GreedyParityIT {

    private static final int TOKENS = 64;
    private static final int CONTEXT = 4096;

    @TempDir
    private Path temp;

    @ParameterizedTest
    @ValueSource(strings = {
        "The capital of France is",
        "Once upon a time, in a small village by the sea, there lived",
        "def fibonacci(n):\n    \"\"\"Return the n-th Fibonacci number.\"\"\"\n",
    })
    void sixtyFourTokens_areLlamaCompletions(String prompt) throws Exception {
        Path gguf = DefaultModel.path();
        Completion expected = complete(gguf, prompt);

        try (var arena = DeviceArena.open();
             var model = Model.load(gguf, ModelOptions.cpuOnly(), arena);
             var context = model.newContext(ContextOptions.builder().contextLength(CONTEXT).build());
             var sampler = Sampler.greedy(model)) {
            var text = new StringBuilder();
            try (var tokens = context.sequence(0).generate(model.vocab().tokenize(prompt), sampler, TOKENS)) {
                tokens.forEachRemaining(token -> text.append(token.text()));
                assertThat(text).hasToString(expected.text());
                // The first token comes of the prompt, without a run of its own.
                assertThat(tokens.usage().generatedTokens()).isEqualTo(TOKENS).isEqualTo(expected.runs() + 1);
            }
        }
    }

    private record Completion(String text, int runs) {
    }

    private Completion complete(Path gguf, String prompt) throws IOException, InterruptedException {
        Path tool = Path.of(System.getProperty("llatte.test.build"), "bin", "llama-completion");
        assumeTrue(Files.isExecutable(tool), () -> tool + " is missing: build with -DLLATTE_TESTS=ON");
        Path log = temp.resolve("log");
        Process process = new ProcessBuilder(tool.toString(), "-m", gguf.toString(), "-p", prompt, "-n", String.valueOf(TOKENS),
                "-c", String.valueOf(CONTEXT), "--temp", "0", "-no-cnv", "--no-display-prompt", "--no-warmup", "--simple-io", "--swa-full",
                "-dev", "none", "-t", String.valueOf(CpuTopology.usableCores()))
                .redirectError(log.toFile()).start();
        process.getOutputStream().close();
        String output = new String(process.getInputStream().readAllBytes(), UTF_8);
        assertThat(process.waitFor()).as(() -> read(log)).isZero();
        Matcher runs = Pattern.compile(" eval time = .* / +(\\d+) runs").matcher(read(log));
        assertThat(runs.find()).as(() -> read(log)).isTrue();
        // It ends what it prints with a line feed of its own.
        return new Completion(output.replaceFirst("\n+$", ""), Integer.parseInt(runs.group(1)));
    }

    private static String read(Path file) {
        try {
            return Files.readString(file);
        } catch (IOException e) {
            return e.toString();
        }
    }
}
