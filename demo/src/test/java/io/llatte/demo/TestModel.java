package io.llatte.demo;

import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.nio.file.Files;
import java.nio.file.Path;

/// The models that the build makes or fetches; tests without them are skipped and say why.
final class TestModel {

    private TestModel() {
    }

    /// A random transformer of 5 MB.
    static String tiny() {
        Path file = Path.of(System.getProperty("llatte.test.build", "build"), "tiny-models", "llama-dense.gguf");
        assumeTrue(Files.isRegularFile(file), () -> file + " is missing: ./llatte test builds it");
        return file.toString();
    }

    /// The default model.
    static String real() {
        String file = System.getProperty("llatte.test.model", "");
        assumeTrue(!file.isEmpty(), "-Dllatte.test.model names no model: ./llatte test fetches the default one");
        return file;
    }
}
