package io.llatte;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// The first example of docs/embeddings.md, compiled and run as it stands there.
class EmbeddingsPageIT {

    @TempDir
    private Path temp;

    @Test
    void example_compilesAndEmbeds() throws Exception {
        String page = Files.readString(Path.of("..", "docs", "embeddings.md"));
        Matcher example = Pattern.compile("```java\n(import .*?)```", Pattern.DOTALL).matcher(page);
        assertThat(example.find()).isTrue();
        Path source = Files.writeString(temp.resolve("Example.java"), example.group(1));
        Process process = new ProcessBuilder(Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "--enable-native-access=ALL-UNNAMED", "-cp", System.getProperty("java.class.path"),
                "-Dllatte.native.path=" + System.getProperty("llatte.native.path"), "-Duser.home=" + temp, source.toString(),
                TinyBert.embedding(temp.resolve("bert.gguf")).toString()).redirectErrorStream(true).start();
        process.getOutputStream().close();
        String output = new String(process.getInputStream().readAllBytes(), UTF_8);

        assertThat(process.waitFor()).as(output).isZero();
        assertThat(output).containsPattern("-?\\d\\.\\d{3} and -?\\d\\.\\d{3}").containsPattern("\\d+ tokens, 32 numbers");
    }
}
