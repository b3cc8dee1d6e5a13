package io.llatte.llama;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import io.llatte.ModelLoadException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class GgufIT {

    @TempDir
    private Path temp;

    @Test
    void header_isReadWithItsTypes() throws IOException {
        Gguf gguf = Gguf.read(TinyModels.llama());

        assertThat(gguf.version()).isEqualTo(3);
        assertThat(gguf.architecture()).isEqualTo("llama");
        assertThat(gguf.metadata().get("llama.block_count")).isInstanceOf(Long.class);
        assertThat(gguf.metadata().get("tokenizer.ggml.tokens")).isInstanceOfSatisfying(List.class,
                tokens -> assertThat(tokens).first().isEqualTo("tok_0"));
        assertThat(gguf.metadata().get("tokenizer.ggml.scores")).isInstanceOfSatisfying(List.class,
                scores -> assertThat(scores).first().isInstanceOf(Float.class));
        assertThat(gguf.parameterCount()).isPositive();
        Gguf.Tensor last = gguf.tensors().getLast();
        assertThat(gguf.dataOffset() + last.offset() + last.sizeBytes()).isLessThanOrEqualTo(Files.size(gguf.file()));
        assertThat(gguf.tensors()).allSatisfy(tensor -> {
            assertThat(tensor.shape()).isNotEmpty().allMatch(n -> n > 0);
            assertThat(tensor.type()).isNotBlank();
        });
    }

    @Test
    void scalars_areAllButTheLists() {
        Gguf whole = Gguf.read(TinyModels.llama());
        Gguf scalars = Gguf.readScalars(TinyModels.llama());

        assertThat(scalars.tensors()).isEmpty();
        assertThat(whole.metadata()).containsAllEntriesOf(scalars.metadata());
        assertThat(scalars.metadata().values()).isNotEmpty().noneMatch(List.class::isInstance);
        assertThat(whole.metadata().keySet()).filteredOn(key -> !scalars.metadata().containsKey(key))
                .isNotEmpty().allMatch(key -> whole.metadata().get(key) instanceof List);
    }

    @Test
    void garbage_isRefused() throws IOException {
        Path file = Files.writeString(temp.resolve("x.gguf"), "GGUF and then nothing that makes sense");

        assertThatExceptionOfType(ModelLoadException.class).isThrownBy(() -> Gguf.read(file)).withMessageContaining(file.toString());
        assertThatExceptionOfType(ModelLoadException.class).isThrownBy(() -> Gguf.read(temp.resolve("none.gguf")))
                .withMessageContaining("does not exist");
    }
}
