package io.llatte.llama;

import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.nio.file.Files;
import java.nio.file.Path;

/// The tiny random models that the native test build writes: real files of real architectures, a few MB each.
final class TinyModels {

    private TinyModels() {
    }

    /// A transformer with a full KV cache.
    static Path llama() {
        return model("llama-dense");
    }

    /// A transformer with a sliding window on some layers.
    static Path gemma() {
        return model("gemma3-dense");
    }

    /// A recurrent model, whose state cannot be cut.
    static Path mamba() {
        return model("mamba-dense");
    }

    /// A diffusion model: attention goes both ways, and there is no KV cache.
    static Path llada() {
        return model("llada-dense");
    }

    static Path model(String name) {
        Path file = Path.of(System.getProperty("llatte.test.build"), "tiny-models", name + ".gguf");
        assumeTrue(Files.isRegularFile(file), () -> file + " is missing: build with -DLLATTE_TESTS=ON");
        return file;
    }
}
