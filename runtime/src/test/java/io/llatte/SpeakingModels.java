package io.llatte;

import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.llatte.model.ModelStore;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;

/// A store of tiny models that have a vocabulary, and so can be talked to.
public final class SpeakingModels {

    public static final String A = "llama-dense.gguf";
    public static final String B = "qwen2-dense.gguf";

    private SpeakingModels() {
    }

    /// Writes the models into a folder.
    public static ModelStore store(Path folder) {
        add(folder, A);
        add(folder, B);
        return ModelStore.builder().folder(folder).build();
    }

    public static Path add(Path folder, String name) {
        Path tiny = Path.of(System.getProperty("llatte.test.build"), "tiny-models", name);
        assumeTrue(Files.isRegularFile(tiny), () -> tiny + " is missing: build with -DLLATTE_TESTS=ON");
        try {
            Files.createDirectories(folder);
            return GgufFile.read(tiny).speaking().write(folder.resolve(name));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
