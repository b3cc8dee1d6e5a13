package io.llatte.demo;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowable;

import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class FailuresTest {

    @TempDir
    Path folder;

    @Test
    void missingFile_isCalledMissing() {
        Path missing = folder.resolve("none.txt");
        assertThat(Failures.oneLine(catchThrowable(() -> Files.readString(missing)))).isEqualTo("there is no file " + missing);
    }

    @Test
    void severalLines_areOne() {
        assertThat(Failures.oneLine(new IllegalStateException("one\n  two\n"))).isEqualTo("one; two");
    }
}
