package io.llatte.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.net.URI;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class ModelReferenceTest {

    private static ModelReference.Hub hub(String revision, String file, String quantization) {
        return new ModelReference.Hub("Qwen/Qwen3-0.6B-GGUF", revision, Optional.ofNullable(file), Optional.ofNullable(quantization));
    }

    @Test
    void hub_withRevisionFileOrQuantisation() {
        assertThat(ModelReference.parse("hf:Qwen/Qwen3-0.6B-GGUF")).isEqualTo(hub("main", null, null));
        assertThat(ModelReference.parse("HF://Qwen/Qwen3-0.6B-GGUF:q8_0")).isEqualTo(hub("main", null, "q8_0"));
        assertThat(ModelReference.parse(" hf:Qwen/Qwen3-0.6B-GGUF@refs/pr/1:Q4/a-00001-of-00002.gguf "))
                .isEqualTo(hub("refs/pr/1", "Q4/a-00001-of-00002.gguf", null));
    }

    @ParameterizedTest
    @ValueSource(strings = {"hf:a/b", "hf:a/b:Q4_K_M", "hf:a/b@v1:dir/x.gguf"})
    void hub_isWrittenAsItIsRead(String text) {
        assertThat(ModelReference.parse(text)).hasToString(text);
    }

    @Test
    void addressOnTheHubsSite_isAFileOfTheHub() {
        assertThat(ModelReference.parse("https://huggingface.co/Qwen/Qwen3-0.6B-GGUF/resolve/main/x.gguf?download=true"))
                .isEqualTo(hub("main", "x.gguf", null));
        assertThat(ModelReference.parse("https://huggingface.co/Qwen/Qwen3-0.6B-GGUF")).isInstanceOf(ModelReference.Url.class);
    }

    @Test
    void addresses() {
        assertThat(ModelReference.parse("HTTP://example.org/a.gguf")).isEqualTo(new ModelReference.Url(URI.create("HTTP://example.org/a.gguf")));
        assertThat(ModelReference.parse("file:///tmp/a.gguf")).isEqualTo(new ModelReference.LocalFile(Path.of("/tmp/a.gguf")));
    }

    @Test
    void pathsAndWords() {
        assertThat(ModelReference.parse("gemma3-270m")).isEqualTo(new ModelReference.Name("gemma3-270m"));
        assertThat(ModelReference.parse("a.gguf")).isEqualTo(new ModelReference.Name("a.gguf"));
        for (String path : List.of("./a.gguf", "models/a.gguf", "/tmp/a.gguf", "~/a.gguf")) {
            assertThat(ModelReference.parse(path)).isEqualTo(new ModelReference.LocalFile(Path.of(path)));
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"", " ", "hf:", "hf:owner", "hf:a/b/c", "hf:../b", "hf:a/b:", "hf:a/b@:x.gguf", "hf:a/b@../..:x.gguf", "hf:a/b:../x.gguf",
            "hf:a/b:/x.gguf", "hf:a/b:a b", "hf:a--b/c", "ftp://example.org/a", "llama3.2:1b", "https:///a.gguf", "https://exa mple.org/a", "a\0b",
            "file:relative"})
    void anythingElse_isRefusedWithTheForms(String text) {
        assertThatThrownBy(() -> ModelReference.parse(text)).isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("hf:owner/repository").hasMessageContaining("catalog id");
    }

    @Test
    void parts_ofASplitModel() {
        assertThat(HubNames.parts("d/m-00002-of-00003.gguf")).containsExactly("d/m-00001-of-00003.gguf", "d/m-00002-of-00003.gguf",
                "d/m-00003-of-00003.gguf");
        assertThat(HubNames.parts("m.gguf")).containsExactly("m.gguf");
        assertThat(HubNames.parts("m-00004-of-00003.gguf")).containsExactly("m-00004-of-00003.gguf");
    }
}
