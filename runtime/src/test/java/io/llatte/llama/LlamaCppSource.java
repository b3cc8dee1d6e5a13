package io.llatte.llama;

import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.nio.file.Files;
import java.nio.file.Path;

/// Files of the llama.cpp source that the native library was built from.
public final class LlamaCppSource {

    private LlamaCppSource() {
    }

    public static Path folder(String name) {
        Path folder = Path.of(System.getProperty("llatte.test.llamacpp", ""), name);
        assumeTrue(Files.isDirectory(folder), () -> folder + " is missing: set llatte.llamacpp to llama.cpp's source");
        return folder;
    }
}
