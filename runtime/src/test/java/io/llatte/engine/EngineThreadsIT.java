package io.llatte.engine;

import static io.llatte.engine.Engines.options;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import io.llatte.bindings.LlamaCpp;
import io.llatte.llama.Llama;
import io.llatte.memory.DeviceArena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// The threads that llama.cpp is told to compute on.
class EngineThreadsIT {

    @TempDir
    Path temp;

    private void assertThreads(EngineOptions options, int threads, int batchThreads) {
        try (var arena = DeviceArena.open(); var engine = Engines.load(arena, temp, options)) {
            MemorySegment context = engine.context().handle();
            assertThat(LlamaCpp.llama_n_threads(context)).isEqualTo(threads);
            assertThat(LlamaCpp.llama_n_threads_batch(context)).isEqualTo(batchThreads);
        }
    }

    @Test
    void nothingSaid_isThePhysicalCores() {
        assertThreads(options(256).threads(0).build(), Llama.defaultThreads(), Llama.defaultThreads());
    }

    @Test
    void threads_areThoseOfPromptsToo() {
        assertThreads(options(256).threads(3).build(), 3, 3);
    }

    @Test
    void batchThreads_areTheirOwn() {
        assertThreads(options(256).threads(1).batchThreads(2).build(), 1, 2);
        assertThreads(options(256).threads(0).batchThreads(5).build(), Llama.defaultThreads(), 5);
    }

    @Test
    void countsOutOfRange_areRefusedWithNumbers() {
        assertThatIllegalArgumentException().isThrownBy(() -> options(256).batchThreads(-1).build()).withMessage("batchThreads must be 0 to 512: -1");
        assertThatIllegalArgumentException().isThrownBy(() -> options(256).batchThreads(513).build()).withMessage("batchThreads must be 0 to 512: 513");
        assertThatIllegalArgumentException().isThrownBy(() -> options(256).threads(513).build()).withMessage("threads must be 0 to 512: 513");
    }
}
