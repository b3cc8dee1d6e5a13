package io.llatte.demo;

import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.llatte.model.CatalogModel;
import io.llatte.model.ChatFormat;
import io.llatte.model.ModelCatalog;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;

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

    /// The default model under another name, in a format that knows tools.
    public static CatalogModel callingTools(String id) throws IOException {
        CatalogModel known = ModelCatalog.builtIn().defaultModel();
        Path template = Path.of(System.getProperty("llatte.test.llamacpp"), "models/templates/CohereForAI-c4ai-command-r-plus-tool_use.jinja");
        return new CatalogModel(id, "Tool caller", known.family(), known.parameters(), known.quantization(), id + ".gguf", known.approximateSizeBytes(),
                known.pin(), known.contextLength(), known.minimumMemoryBytes(), known.license(),
                Optional.of(new ChatFormat(Files.readString(template), List.of())), known.sources());
    }
}
