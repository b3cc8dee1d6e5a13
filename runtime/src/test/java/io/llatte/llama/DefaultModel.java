package io.llatte.llama;

import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.nio.file.Files;
import java.nio.file.Path;

/// The real default model, where the test run was given one.
public final class DefaultModel {

    private DefaultModel() {
    }

    public static Path path() {
        Path file = Path.of(System.getProperty("llatte.test.model", ""));
        assumeTrue(Files.isRegularFile(file), () -> "no default model: run ./llatte test, or set llatte.model");
        return file;
    }
}
