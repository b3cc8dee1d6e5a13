package io.llatte.demo;

import static org.assertj.core.api.Assertions.assertThat;

import io.llatte.engine.Fallback;
import io.llatte.engine.PlacementTarget;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;

class ProgressLineTest {

    @Test
    void download_showsBytesAndRate() {
        assertThat(ProgressLine.describe("tiny", 3 << 20, 12 << 20, 1.5 * (1 << 20), "part"))
                .isEqualTo("downloading tiny  25%: 3.00 MiB of 12.0 MiB, 1.50 MiB/s");
    }

    @Test
    void downloadOfUnknownSize_showsBytesAndRate() {
        assertThat(ProgressLine.describe("tiny", 3 << 20, 0, 1.5 * (1 << 20), "part")).isEqualTo("downloading tiny: 3.00 MiB, 1.50 MiB/s");
    }

    @Test
    void waiting_namesWhoIsWaitedFor() {
        assertThat(ProgressLine.describe("tiny", 0, 0, 0, "waiting for another process (pid 7)"))
                .isEqualTo("downloading tiny: waiting for another process (pid 7)");
    }

    @Test
    void fallback_isOneLine() {
        var step = new Fallback(PlacementTarget.GPU, PlacementTarget.REMOTE, "no usable GPU:\n  none found");
        assertThat(LoadReporter.describe(Path.of("").toAbsolutePath().resolve("tiny.gguf").toString(), step))
                .isEqualTo("tiny.gguf: not on the GPU, trying the server: no usable GPU:; none found");
    }

    @Test
    void sizes_haveThreeDigitsOrSo() {
        assertThat(Sizes.text(1023)).isEqualTo("1023 B");
        assertThat(Sizes.text(1024)).isEqualTo("1.00 KiB");
        assertThat(Sizes.text(253_113_024)).isEqualTo("241.4 MiB");
        assertThat(Sizes.text(8L << 40)).isEqualTo("8.00 TiB");
    }
}
