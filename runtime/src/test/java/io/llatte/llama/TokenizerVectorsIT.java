package io.llatte.llama;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import io.llatte.memory.DeviceArena;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/// The tokenizer vectors that come with llama.cpp's source: texts in `.inp`, their ids in `.out`.
class TokenizerVectorsIT {

    private static final String SEPARATOR = "\n__ggml_vocab_test__\n";

    static Stream<Path> vocabularies() throws IOException {
        try (Stream<Path> files = Files.list(LlamaCppSource.folder("models"))) {
            return files.filter(file -> file.toString().endsWith(".gguf"))
                    .filter(file -> Files.exists(Path.of(file + ".inp")))
                    .sorted().toList().stream();
        }
    }

    @Test
    void allFifteenAreThere() throws IOException {
        assertThat(vocabularies()).hasSizeGreaterThanOrEqualTo(15);
    }

    @ParameterizedTest
    @MethodSource("vocabularies")
    void everyTextGivesLlamaCppsIds(Path gguf) throws IOException {
        List<String> texts = List.of(Files.readString(Path.of(gguf + ".inp"), UTF_8).split(SEPARATOR, -1));
        List<String> expected = Files.readAllLines(Path.of(gguf + ".out"));
        assertThat(texts.size()).isGreaterThanOrEqualTo(expected.size());
        try (var arena = DeviceArena.open();
             var model = Model.load(gguf, ModelOptions.builder().vocabularyOnly(true).build(), arena)) {
            for (int i = 0; i < expected.size(); i++) {
                int[] ids = Arrays.stream(expected.get(i).strip().split("\\s+")).filter(id -> !id.isEmpty()).mapToInt(Integer::parseInt).toArray();
                assertThat(model.vocab().tokenize(texts.get(i), false, false)).as("case %d: %s", i, texts.get(i)).containsExactly(ids);
            }
        }
    }
}
