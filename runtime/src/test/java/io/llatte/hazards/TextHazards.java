package io.llatte.hazards;

import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;

import io.llatte.GgufFile;
import io.llatte.llama.Model;
import io.llatte.llama.ModelOptions;
import io.llatte.llama.Vocab;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Random;
import java.util.stream.Stream;

/// Texts and ids that tokenizers throw at, loop in, or overflow the stack on: a Java thread has less of it than a C++ one.
final class TextHazards extends Hazards {

    private static final List<Integer> NO_IDS = List.of(Integer.MIN_VALUE, -2, -1, Integer.MAX_VALUE);

    private static List<Path> vocabularies() throws IOException {
        Path models = Path.of(System.getProperty("llatte.test.llamacpp", ""), "models");
        if (!Files.isDirectory(models)) {
            return List.of();
        }
        try (Stream<Path> files = Files.list(models)) {
            return files.filter(file -> file.getFileName().toString().matches("ggml-vocab-(aquila|bert-bge|gpt-2|llama-spm|phi-3|starcoder|deepseek-coder)\\.gguf")).sorted().toList();
        }
    }

    private Model vocabularyOf(Path file) {
        return Model.load(file, ModelOptions.builder().vocabularyOnly(true).build(), arena);
    }

    void idsThatAreNotInTheVocabulary() throws IOException {
        Vocab vocab = speaking().vocab();
        var decoder = vocab.newDecoder();
        for (int id : Stream.concat(NO_IDS.stream(), Stream.of(vocab.size())).toList()) {
            assertThatIllegalArgumentException().isThrownBy(() -> vocab.text(id));
            assertThatIllegalArgumentException().isThrownBy(() -> vocab.score(id));
            assertThatIllegalArgumentException().isThrownBy(() -> vocab.isEog(id));
            assertThatIllegalArgumentException().isThrownBy(() -> vocab.isControl(id));
            assertThatIllegalArgumentException().isThrownBy(() -> vocab.piece(id));
            assertThatIllegalArgumentException().isThrownBy(() -> vocab.pieceBytes(id, true));
            assertThatIllegalArgumentException().isThrownBy(() -> vocab.detokenize(1, id));
            assertThatIllegalArgumentException().isThrownBy(() -> vocab.detokenize(new int[] {id}, false, true));
            assertThatIllegalArgumentException().isThrownBy(() -> decoder.accept(id));
        }
        vocab.detokenize();
        decoder.flush();
    }

    void modelWithoutAVocabulary() throws IOException {
        Path file = GgufFile.read(tiny("llama-dense")).set("tokenizer.ggml.model", GgufFile.string("no_vocab")).write(scratch.resolve("mute.gguf"));
        survived(() -> {
            Vocab vocab = Model.load(file, ModelOptions.cpuOnly(), arena).vocab();
            assertThatIllegalStateException().isThrownBy(() -> vocab.tokenize("a"));
            survived(() -> vocab.detokenize(1));
            survived(() -> vocab.piece(1));
            survived(() -> vocab.text(1));
            survived(() -> vocab.isEog(1));
            survived(vocab::bos);
            survived(vocab::newline);
        });
    }

    /// Long runs of one kind of character: the regular expressions of pre-tokenizers recurse on them.
    void longRunsInEveryVocabulary() throws IOException {
        for (Path file : vocabularies()) {
            Vocab vocab = vocabularyOf(file).vocab();
            for (String run : List.of("a", " ", "\n", "7", "!", "é", "世", "a1 ", "A", "\t \n")) {
                HazardProgram.detail(file.getFileName() + " " + run.codePointAt(0));
                survived(() -> vocab.detokenize(vocab.tokenize(run.repeat(12_000), true, true)));
            }
        }
    }

    void textsThatAreNoUnicode() throws IOException {
        var random = new Random(3);
        for (Path file : vocabularies()) {
            HazardProgram.detail(file.getFileName().toString());
            Vocab vocab = vocabularyOf(file).vocab();
            for (String text : List.of("", "\0", "\ud800", "\udfff\ud800", "\uffff", "a\0b", "\ufeff")) {
                survived(() -> vocab.tokenize(text));
            }
            for (int round = 0; round < 40; round++) {
                var text = new StringBuilder();
                for (int i = random.nextInt(60); i > 0; i--) {
                    text.append((char) random.nextInt(0x10000));
                }
                survived(() -> vocab.detokenize(vocab.tokenize(text.toString(), random.nextBoolean(), random.nextBoolean()), random.nextBoolean(), true));
            }
            var decoder = vocab.newDecoder();
            for (int i = 0; i < 500; i++) {
                survived(() -> decoder.accept(random.nextInt(vocab.size())));
            }
            decoder.flush();
        }
    }

    void everyTokenOfEveryVocabulary() throws IOException {
        for (Path file : vocabularies()) {
            Vocab vocab = vocabularyOf(file).vocab();
            HazardProgram.detail(file.getFileName().toString());
            for (int id = 0; id < vocab.size(); id += 37) {
                vocab.text(id);
                vocab.score(id);
                vocab.isControl(id);
                vocab.pieceBytes(id, true);
                vocab.pieceBytes(id, false);
            }
        }
    }
}
