package io.llatte.llama;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.llatte.GgufFile;
import io.llatte.ModelLoadException;
import io.llatte.llama.SyntheticModel.Shape;
import io.llatte.llama.SyntheticModel.WeightType;
import io.llatte.memory.DeviceArena;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/// Models of random weights, small ones.
class SyntheticModelIT {

    private static final Shape SMALL = new Shape(2, 128, 352, 4, 2, false, 512);

    @TempDir
    private Path folder;

    private static Path vocabulary() {
        return LlamaCppSource.folder("models").resolve("ggml-vocab-llama-spm.gguf");
    }

    @ParameterizedTest
    @EnumSource
    void everyType_loadsAndDecodesToFiniteLogits(WeightType type) {
        Path file = folder.resolve("small.gguf");
        SyntheticModel.write(file, SMALL, type, vocabulary());
        try (var arena = DeviceArena.open();
             var model = Model.load(file, ModelOptions.builder().checkTensors(true).build(), arena);
             var context = model.newContext(ContextOptions.builder().contextLength(256).build())) {
            assertThat(model.info().quantization()).isEqualTo(type.name());
            assertThat(model.info().parameterCount()).isEqualTo(2L * 32000 * 128 + 128 + 2 * (2 * 128 + 128L * (128 * 2 + 64 * 2 + 352 * 3)));
            assertThat(model.vocab().detokenize(model.vocab().tokenize("Hello"))).isEqualTo(" Hello");

            context.decode(context.newBatch().addAll(model.vocab().tokenize("Once upon a time"), 0, 5, 0, 0, true));

            assertThat(context.logits(-1).toArray()).hasSize(32000).doesNotContain(Float.NaN).satisfies(logits -> {
                for (float logit : logits) {
                    assertThat(Math.abs(logit)).isLessThan(100);
                }
                assertThat(logits[1]).isNotEqualTo(logits[2]);
            });
        }
    }

    @Test
    void tiedModel_hasNoOutputMatrix() {
        Path file = folder.resolve("tied.gguf");
        SyntheticModel.write(file, new Shape(1, 64, 64, 2, 2, true, 256), WeightType.Q4_0, vocabulary());
        List<String> names = Gguf.read(file).tensors().stream().map(Gguf.Tensor::name).toList();
        assertThat(names).contains("token_embd.weight", "blk.0.ffn_down.weight").doesNotContain("output.weight", "blk.1.ffn_down.weight");
        try (var arena = DeviceArena.open(); var model = Model.load(file, arena)) {
            assertThat(model.info().name()).isEqualTo("tied");
            assertThat(model.info().trainingContextLength()).isEqualTo(256);
            try (var template = ChatTemplate.of(model)) {
                assertThat(template.render(ChatRequest.of(List.of(ChatMessage.user(" Hi ")))).prompt()).isEqualTo(
                        "<|start_header_id|>user<|end_header_id|>\n\nHi<|eot_id|><|start_header_id|>assistant<|end_header_id|>\n\n");
            }
        }
    }

    @Test
    void fileThatIsNoVocabulary_leavesNothingBehind() throws Exception {
        Path file = folder.resolve("none.gguf");
        Path mute = GgufFile.read(TinyModels.llama()).remove("tokenizer.ggml.tokens").write(folder.resolve("mute.gguf"));
        assertThatThrownBy(() -> SyntheticModel.write(file, SMALL, WeightType.Q4_0, mute))
                .isInstanceOf(IllegalArgumentException.class).hasMessageContaining("has no vocabulary");
        assertThatThrownBy(() -> SyntheticModel.write(file, SMALL, WeightType.Q4_0, folder.resolve("missing.gguf")))
                .isInstanceOf(ModelLoadException.class);
        try (var left = Files.list(folder)) {
            assertThat(left).containsExactly(mute);
        }
    }

    @Test
    void shapeThatCannotBe_isRefused() {
        assertThatThrownBy(() -> new Shape(1, 100, 64, 2, 2, true, 256)).isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> new Shape(1, 96, 64, 5, 5, true, 256)).isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> new Shape(0, 96, 64, 3, 3, true, 256)).isInstanceOf(IllegalArgumentException.class);
    }
}
