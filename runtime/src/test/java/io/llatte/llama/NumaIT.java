package io.llatte.llama;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.llatte.ChildJvm;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/// Strategies hold for a process: each test has one of its own.
class NumaIT {

    private static final String INITIALISED_BEFORE = "NUMA already initialized";

    @BeforeEach
    void needsNodes() {
        assumeTrue(Files.isDirectory(Path.of("/sys/devices/system/node/node0")), "this system does not tell its memory's nodes");
        TinyModels.llama();
    }

    private static ChildJvm.Result run(String... strategies) throws Exception {
        ChildJvm.Result result = ChildJvm.run(NumaProgram.class, Map.of(), strategies);
        assertThat(result.exitCode()).as(result.output()).isZero();
        assertThat(result.output()).contains(NumaProgram.DECODED);
        return result;
    }

    @Test
    void strategy_reachesTheBackend_once() throws Exception {
        assertThat(run("DISTRIBUTE", "DISTRIBUTE").output()).contains(INITIALISED_BEFORE).doesNotContain(NumaProgram.REFUSED);
    }

    @Test
    void anotherStrategy_comesTooLate() throws Exception {
        assertThat(run("ISOLATE", "NUMACTL").output()).contains(INITIALISED_BEFORE)
                .contains(NumaProgram.REFUSED + "the native library is loaded already, with another NUMA strategy than NUMACTL");
    }

    @Test
    void withoutOne_thereIsNone() throws Exception {
        assertThat(run("DISABLED").output()).doesNotContain(INITIALISED_BEFORE, NumaProgram.REFUSED);
        assertThat(run().output()).doesNotContain(INITIALISED_BEFORE);
    }
}
