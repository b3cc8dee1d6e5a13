package io.llatte.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import io.llatte.GgufFile;
import io.llatte.SpeakingModels;
import io.llatte.memory.DeviceArena;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Optional;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// Texts with a gap.
class InfillIT {

    private static final int PREFIX = 110;
    private static final int SUFFIX = 111;
    private static final int MIDDLE = 112;

    @TempDir
    Path folder;

    private final DeviceArena arena = DeviceArena.open();

    @AfterEach
    void nothingIsLeft() {
        assertThat(arena.ledger().totalBytes()).isZero();
        arena.close();
    }

    private InProcessEngine engine() throws IOException {
        Path file = GgufFile.read(SpeakingModels.add(folder, SpeakingModels.A)).speaking().set("tokenizer.ggml.add_bos_token", GgufFile.bool(true))
                .set("tokenizer.ggml.fim_pre_token_id", GgufFile.uint32(PREFIX))
                .set("tokenizer.ggml.fim_suf_token_id", GgufFile.uint32(SUFFIX))
                .set("tokenizer.ggml.fim_mid_token_id", GgufFile.uint32(MIDDLE)).write(folder.resolve("fim.gguf"));
        return (InProcessEngine) new EngineLoader(arena, Optional.empty()).load(new ModelFile("fim", file, Optional.empty()),
                Engines.options(256).build(), LoadObserver.NONE);
    }

    @Test
    void prompt_isPrefixSuffixAndTheGap() throws IOException {
        try (var engine = engine()) {
            var vocab = engine.model().vocab();
            int[] ids = InfillTokens.of(new Prompt.Infill("abc", "yz"), vocab, 100);
            int[] prefix = vocab.tokenize("abc", false, false);
            int[] suffix = vocab.tokenize("yz", false, false);
            assertThat(ids).hasSize(prefix.length + suffix.length + 4).startsWith(vocab.bos(), PREFIX).endsWith(MIDDLE);
            assertThat(Arrays.copyOfRange(ids, 2, 2 + prefix.length)).isEqualTo(prefix);
            assertThat(ids[2 + prefix.length]).isEqualTo(SUFFIX);
            assertThat(Arrays.copyOfRange(ids, 3 + prefix.length, ids.length - 1)).isEqualTo(suffix);
            var request = Engines.endless(new Prompt.Infill("abc", "yz"), 5).build();
            try (var stream = engine.generate(request, _ -> { })) {
                assertThat(stream.stream().count()).isEqualTo(5);
                assertThat(stream.usage().promptTokens()).isEqualTo(ids.length);
            }
        }
    }

    @Test
    void longTexts_keepWhatIsNearTheGap() throws IOException {
        try (var engine = engine()) {
            var vocab = engine.model().vocab();
            int[] prefix = vocab.tokenize("a".repeat(300) + "!", false, false);
            int[] suffix = vocab.tokenize("?" + "b".repeat(300), false, false);
            int[] ids = InfillTokens.of(new Prompt.Infill("a".repeat(300) + "!", "?" + "b".repeat(300)), vocab, 104);
            assertThat(ids).hasSize(104);
            assertThat(Arrays.copyOfRange(ids, 2, 77)).isEqualTo(Arrays.copyOfRange(prefix, prefix.length - 75, prefix.length));
            assertThat(Arrays.copyOfRange(ids, 78, 103)).isEqualTo(Arrays.copyOf(suffix, 25));
            assertThat(InfillTokens.of(new Prompt.Infill("", "?" + "b".repeat(300)), vocab, 54)).hasSize(54);
            var request = Engines.endless(new Prompt.Infill("a".repeat(3000), "b".repeat(3000)), 5).build();
            try (var stream = engine.generate(request, _ -> { })) {
                assertThat(stream.stream().count()).isEqualTo(5);
            }
        }
    }

    @Test
    void modelThatFillsNoGaps_saysSo() {
        try (var engine = Engines.load(arena, folder, Engines.options(256).build())) {
            var request = Engines.endless(new Prompt.Infill("abc", "yz"), 5).build();
            assertThatExceptionOfType(UnsupportedOperationException.class).isThrownBy(() -> engine.generate(request, _ -> { }))
                    .withMessageContaining("-1, -1 and -1");
        }
    }
}
