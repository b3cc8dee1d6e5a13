package io.llatte.demo.bench;

import io.llatte.llama.SyntheticModel;
import io.llatte.llama.SyntheticModel.Shape;
import io.llatte.llama.SyntheticModel.WeightType;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;

/// A model of random weights by its name, as in `llama-8b:q4_0`: written once, found again afterwards.
///
/// @param name one of [#names()]
/// @param type the number format of its weights
public record SyntheticFile(String name, WeightType type) {

    private static final String BUILT_IN_VOCABULARY = "ggml-vocab-llama-bpe.gguf";
    private static final int CONTEXT_LENGTH = 131_072;

    private static final Map<String, Shape> SHAPES = new LinkedHashMap<>();

    static {
        SHAPES.put("llama-135m", new Shape(30, 576, 1536, 9, 3, true, CONTEXT_LENGTH));
        SHAPES.put("llama-254m", new Shape(8, 768, 2048, 12, 12, false, CONTEXT_LENGTH));
        SHAPES.put("llama-1b", new Shape(16, 2048, 8192, 32, 8, true, CONTEXT_LENGTH));
        SHAPES.put("llama-8b", new Shape(32, 4096, 14_336, 32, 8, false, CONTEXT_LENGTH));
    }

    /// What there is.
    public static Iterable<String> names() {
        return SHAPES.keySet();
    }

    /// Reads `name` or `name:type`.
    ///
    /// @throws IllegalArgumentException if there is no such name or type
    public static SyntheticFile parse(String text) {
        String[] parts = text.split(":", 2);
        if (!SHAPES.containsKey(parts[0])) {
            throw new IllegalArgumentException("'%s' is none of %s".formatted(parts[0], String.join(", ", names())));
        }
        try {
            return new SyntheticFile(parts[0], parts.length == 1 ? WeightType.Q4_0 : WeightType.valueOf(parts[1].toUpperCase(Locale.ROOT)));
        } catch (IllegalArgumentException e) {
            throw new IllegalArgumentException("'%s' is none of q4_0, q8_0, f16".formatted(parts[1]));
        }
    }

    /// The file, which is written where it is not there yet.
    ///
    /// @param folder where it lies; made where it is missing
    /// @param vocabulary a GGUF file whose vocabulary it gets, or null for the one of Llama 3 that the build brings along
    /// @throws BenchException if the build brought none along
    public Path write(Path folder, Path vocabulary) throws IOException {
        String suffix = vocabulary == null ? "" : "-" + vocabulary.getFileName().toString().replaceFirst("\\.gguf$", "");
        Path file = folder.resolve(name + "-" + ResultTable.lowerCase(type) + suffix + ".gguf");
        if (Files.isRegularFile(file)) {
            return file;
        }
        Files.createDirectories(folder);
        if (vocabulary != null) {
            SyntheticModel.write(file, SHAPES.get(name), type, vocabulary);
            return file;
        }
        Path copy = Files.createTempFile(folder, "vocabulary", ".gguf");
        try (InputStream in = SyntheticFile.class.getResourceAsStream(BUILT_IN_VOCABULARY)) {
            if (in == null) {
                throw new BenchException("this build brought no vocabulary along: --vocab FILE names one, such as llama.cpp's models/"
                        + BUILT_IN_VOCABULARY);
            }
            Files.copy(in, copy, StandardCopyOption.REPLACE_EXISTING);
            SyntheticModel.write(file, SHAPES.get(name), type, copy);
        } finally {
            Files.deleteIfExists(copy);
        }
        return file;
    }
}
