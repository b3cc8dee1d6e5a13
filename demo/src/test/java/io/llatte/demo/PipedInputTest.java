package io.llatte.demo;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.PipedInputStream;
import java.io.PipedOutputStream;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import org.junit.jupiter.api.Test;

class PipedInputTest {

    private static InputStream of(String text) {
        return new ByteArrayInputStream(text.getBytes(StandardCharsets.UTF_8));
    }

    @Test
    void everythingIsRead_andBlanksAroundItDropped() throws IOException {
        assertThat(PipedInput.read(of("\n Grüße \n"))).isEqualTo("Grüße");
        assertThat(PipedInput.readIfAny(of("ürgh\nx\n"), Duration.ofSeconds(10))).isEqualTo("ürgh\nx");
        assertThat(PipedInput.readIfAny(of(""), Duration.ofSeconds(10))).isEmpty();
    }

    @Test
    void silentPipe_isNotWaitedForLong() throws IOException {
        try (var silent = new PipedOutputStream(); var in = new PipedInputStream(silent)) {
            assertThat(PipedInput.readIfAny(in, Duration.ofMillis(50))).isEmpty();
        }
    }
}
