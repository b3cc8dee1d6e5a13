package io.llatte;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// The README's Java examples, compiled and run as they stand there.
class ReadmeIT {

    private static final Path README = Path.of("..", "README.md");

    @TempDir
    private Path temp;

    @Test
    void examples_compileAndGenerate() throws Exception {
        Path model = Path.of(System.getProperty("llatte.test.model", ""));
        assumeTrue(Files.isRegularFile(model), "no default model: run ./llatte test, or set llatte.model");
        List<String> examples = Pattern.compile("```java\n(.*?)```", Pattern.DOTALL).matcher(Files.readString(README)).results()
                .map(block -> block.group(1)).toList();
        assertThat(examples).hasSize(3);
        for (String example : examples) {
            run(Files.writeString(temp.resolve("Example.java"), example), model);
        }
    }

    private static void run(Path source, Path model) throws IOException, InterruptedException {
        Process process = new ProcessBuilder(Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "--enable-native-access=ALL-UNNAMED", "-cp", System.getProperty("java.class.path"),
                "-Dllatte.native.path=" + System.getProperty("llatte.native.path"), "-Duser.home=" + source.getParent(), source.toString(), model.toString())
                .redirectErrorStream(true).start();
        process.getOutputStream().close();
        String output = new String(process.getInputStream().readAllBytes(), UTF_8);

        assertThat(process.waitFor()).as(output).isZero();
        assertThat(output).containsAnyOf("Usage[promptTokens=", "Review[mood=");
    }
}
