package io.llatte.demo;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.fasterxml.jackson.databind.ObjectMapper;
import io.llatte.demo.LlatteProcess.Result;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// What the command does without a model.
class LlatteTest {

    @TempDir
    private Path folder;

    private Result llatte(String arguments) throws Exception {
        return new LlatteProcess(folder).run(arguments.isEmpty() ? new String[0] : arguments.split(" "));
    }

    private static void assertOneLineOnStderr(Result result, int exitCode) {
        assertThat(result.err()).startsWith("llatte: ").hasLineCount(1);
        assertThat(result.out()).isEmpty();
        assertThat(result.exitCode()).isEqualTo(exitCode);
    }

    @Test
    void help_goesToStdout() throws Exception {
        Result result = llatte("--help");
        assertThat(result.exitCode()).isZero();
        assertThat(result.err()).isEmpty();
        assertThat(result.out()).contains("chat", "models", "plan", "info", "inspect", "tokenize", "embed");
    }

    @Test
    void helpOfChat_tellsTheDefaults() throws Exception {
        assertThat(llatte("chat --help").out()).contains("--temperature", "Default: 0.8", "Default: 40", "Default: 0.95", "Default: 0.05");
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "nonsense", "chat --nonsense", "chat --temperature warm -p x", "chat --temperature -1 -p x", "chat -p x --top-p 2",
        "chat --max-tokens -5 -p x", "chat --context -1 -p x", "chat --context most -p x", "chat --policy tpu -p x", "chat --kv-type q9 -p x",
        "chat --remote http://localhost/v1 -p x", "chat --remote-model m -p x", "chat --remote localhost --remote-model m -p x",
        "chat --remote http://me:secret@localhost/v1 --remote-model m -p x", "chat --policy gpu-only --gpu-layers 0 -p x", "plan", "chat --threads 1000 -p x", "chat --gpu-layers -2 -p x", "tokenize", "inspect",
        "models rm", "tokenize m t --ids --json", "embed", "embed m t --pooling none", "embed m t --format xml", "embed m t --file f",
        "embed m t --query q --similarity", "bench", "bench -m x --level nonsense", "bench -m x -p many", "bench -m x -p 0 -n 0",
        "bench -m x -r 0", "bench -m x -pg 5", "bench -m x -pg 0,0", "bench -m x --parallel 0", "bench -m x --parallel 2 -n 0",
        "bench -m x -fa maybe", "bench -m x -ctk q9", "bench -m x -o xml", "bench --synthetic llama-9b", "bench --synthetic llama-1b:q9"})
    void misuse_isOneLineAndExitCode2(String arguments) throws Exception {
        assertOneLineOnStderr(llatte(arguments), 2);
    }

    @ParameterizedTest
    @ValueSource(strings = {"chat no-such-model -p x", "chat /no/such/file.gguf -p x", "inspect /no/such/file.gguf", "models path", "models rm default",
        "embed nonsense text",
        "embed /no/such.gguf text", "embed m --file /no/such/file", "models rm nonsense", "models pull nonsense",
        "tokenize nonsense text", "plan nonsense", "plan default"})
    void failure_isOneLineAndExitCode1(String arguments) throws Exception {
        assertOneLineOnStderr(llatte(arguments), 1);
    }

    @Test
    void optionOutOfRange_isNamedAsItWasTyped() throws Exception {
        assertThat(llatte("chat -p x --top-p 2").err()).contains("--top-p must be above 0");
    }

    @Test
    void keyThatNoHeaderMayHave_isNotRepeated() throws Exception {
        Result result = new LlatteProcess(folder).environment("LLATTE_REMOTE_KEY", "sk-secr\tet").run("chat", "-p", "x", "--remote",
                "http://localhost/v1", "--remote-model", "m");
        assertOneLineOnStderr(result, 2);
        assertThat(result.err()).doesNotContain("sk-secr");
    }

    @Test
    void emptyPrompt_isMisuse() throws Exception {
        assertOneLineOnStderr(new LlatteProcess(folder).input("  \n").run("chat"), 2);
    }

    @Test
    void debugging_addsTheStackTrace() throws Exception {
        Result result = new LlatteProcess(folder).environment("LLATTE_DEBUG", "1").run("models", "path");
        assertThat(result.exitCode()).isEqualTo(1);
        assertThat(result.err()).contains("\tat io.llatte.demo.");
    }

    @Test
    void noNetwork_isOneFailureLineAfterTheProgress() throws Exception {
        Result result = new LlatteProcess(folder).environment("PIP_INDEX_URL", "http://127.0.0.1:9/simple")
                .environment("PIP_CONFIG_FILE", "/dev/null").environment("PIP_NO_INDEX", "").environment("PIP_FIND_LINKS", "")
                .environment("PIP_RETRIES", "1").environment("no_proxy", "127.0.0.1").run("models", "pull");
        assertThat(result.exitCode()).isEqualTo(1);
        assertThat(result.out()).isEmpty();
        assertThat(result.err().lines().toList().getLast()).matches("llatte: (no network: .*|downloading needs pip.*)");
        assertThat(folder.resolve("models")).isDirectoryNotContaining("glob:**.gguf");
    }

    @Test
    void fullDisk_isAFailureAndNoBrokenPipe() throws Exception {
        assumeTrue(Files.exists(Path.of("/dev/full")), "there is no /dev/full here");
        Result result = new LlatteProcess(folder).output(Path.of("/dev/full")).run("models");
        assertThat(result.err()).startsWith("llatte: standard output cannot be written: ").hasLineCount(1);
        assertThat(result.exitCode()).isEqualTo(1);
    }

    @Test
    void models_areListed() throws Exception {
        assertThat(llatte("models").out()).contains("gemma3-270m", "not downloaded");
        assertThat(llatte("models list").out()).isEqualTo(llatte("models").out());
        var json = new ObjectMapper().readTree(llatte("models --json").out());
        assertThat(json.get(0).get("id").asText()).isEqualTo("gemma3-270m");
        assertThat(json.get(0).get("present").asBoolean()).isFalse();
    }

    @Test
    void folderThatCannotBeWritten_isOneLine() throws Exception {
        Result result = new LlatteProcess(folder).environment("LLATTE_MODELS", "/dev/null/models").run("models", "pull");
        assertOneLineOnStderr(result, 1);
        assertThat(result.err()).contains("LLATTE_MODELS");
    }
}
