package io.llatte.demo;

import static org.assertj.core.api.Assertions.assertThat;

import io.llatte.model.DownloadProgress;
import io.llatte.model.DownloadProgress.Phase;
import org.junit.jupiter.api.Test;

class ProgressLineTest {

    @Test
    void download_showsBytesAndRate() {
        var progress = new DownloadProgress("tiny", Phase.DOWNLOADING, "part", 3 << 20, 12 << 20, 1.5 * (1 << 20));
        assertThat(ProgressLine.describe(progress)).isEqualTo("downloading tiny  25%: 3.00 MiB of 12.0 MiB, 1.50 MiB/s");
    }

    @Test
    void waiting_namesWhoIsWaitedFor() {
        var progress = new DownloadProgress("tiny", Phase.WAITING, "another process (pid 7)", 0, 0, 0);
        assertThat(ProgressLine.describe(progress)).isEqualTo("waiting: another process (pid 7) is downloading tiny");
    }

    @Test
    void sizes_haveThreeDigitsOrSo() {
        assertThat(Sizes.text(1023)).isEqualTo("1023 B");
        assertThat(Sizes.text(1024)).isEqualTo("1.00 KiB");
        assertThat(Sizes.text(253_113_024)).isEqualTo("241.4 MiB");
        assertThat(Sizes.text(8L << 40)).isEqualTo("8.00 TiB");
    }
}
