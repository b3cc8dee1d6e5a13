package io.llatte.llama;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.Test;

/// Pieces are given as bytes: the decoder's work does not depend on a vocabulary.
class TextDecoderTest {

    private final TextDecoder decoder = new TextDecoder(null, false);

    @Test
    void emojiSplitAcrossTokens_comesOutWhole() {
        byte[] wave = "👋".getBytes(UTF_8);

        assertThat(decoder.accept(Arrays.copyOfRange(wave, 0, 1))).isEmpty();
        assertThat(decoder.accept(Arrays.copyOfRange(wave, 1, 3))).isEmpty();
        assertThat(decoder.isPending()).isTrue();
        assertThat(decoder.accept(Arrays.copyOfRange(wave, 3, 4))).isEqualTo("👋");
        assertThat(decoder.isPending()).isFalse();
    }

    @Test
    void bytesThatAreNeverUtf8_becomeReplacementCharacters() {
        assertThat(decoder.accept(new byte[] {'a', (byte) 0xFF, 'b'})).isEqualTo("a\uFFFDb");
    }

    @Test
    void incompleteCharacterAtTheEnd_isFlushedAsReplacement() {
        assertThat(decoder.accept(new byte[] {(byte) 0xF0, (byte) 0x9F})).isEmpty();
        assertThat(decoder.flush()).isEqualTo("\uFFFD");
        assertThat(decoder.accept("ok".getBytes(UTF_8))).isEqualTo("ok");
    }

    @Test
    void longPiece_growsTheBuffers() {
        String text = "é".repeat(10_000);

        assertThat(decoder.accept(text.getBytes(UTF_8))).isEqualTo(text);
    }

    @Test
    void anySplit_givesTheSameText() {
        String text = "Grüße, 世界! 👩‍👩‍👧 𝔘𝔫𝔦 e\u0301";
        byte[] bytes = text.getBytes(UTF_8);
        var random = new Random(7);
        for (int round = 0; round < 200; round++) {
            var result = new StringBuilder();
            for (int from = 0; from < bytes.length; ) {
                int to = Math.min(bytes.length, from + 1 + random.nextInt(5));
                result.append(decoder.accept(Arrays.copyOfRange(bytes, from, to)));
                from = to;
            }
            assertThat(result.append(decoder.flush())).hasToString(text);
        }
    }
}
