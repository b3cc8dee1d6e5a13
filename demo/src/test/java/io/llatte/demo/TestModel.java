package io.llatte.demo;

import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.nio.file.Files;
import java.nio.file.Path;

/// The models that the build makes or fetches; tests without them are skipped and say why.
public final class TestModel {

    private TestModel() {
    }

    /// A random transformer of 5 MB.
    public static String tiny() {
        return tiny("llama-dense.gguf");
    }

    /// Another of the build's tiny models.
    public static String tiny(String name) {
        Path file = Path.of(System.getProperty("llatte.test.build", "build"), "tiny-models", name);
        assumeTrue(Files.isRegularFile(file), () -> file + " is missing: ./llatte test builds it");
        return file.toString();
    }

    /// The default model.
    public static String real() {
        String file = System.getProperty("llatte.test.model", "");
        assumeTrue(!file.isEmpty(), "-Dllatte.test.model names no model: ./llatte test fetches the default one");
        return file;
    }
}
