package io.llatte.engine;

import static io.llatte.engine.Engines.WORDS;
import static io.llatte.engine.Engines.greedy;
import static io.llatte.engine.Engines.options;
import static io.llatte.engine.Engines.read;
import static io.llatte.engine.Engines.start;
import static org.assertj.core.api.Assertions.assertThat;

import io.llatte.memory.DeviceArena;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;

/// What threads an engine holds. A thread of OpenMP has the name of the one that it computes for.
@Timeout(60)
@EnabledOnOs(OS.LINUX)
class ComputeThreadsIT {

    @TempDir
    Path temp;

    @Test
    void anIdleEngine_holdsItsOwnThreadAlone_andAnswersAsBefore() throws InterruptedException {
        try (var arena = DeviceArena.open(); var engine = Engines.load(arena, temp, options(512).threads(2).build())) {
            var first = read(start(engine, greedy(WORDS, 20)));
            assertThat(engineThreads()).isEqualTo(2);

            while (engineThreads() > 1) {
                Thread.sleep(50);
            }
            assertThat(read(start(engine, greedy(WORDS, 20)))).isEqualTo(first);
            assertThat(engineThreads()).isEqualTo(2);
        }
    }

    private static long engineThreads() {
        try (var tasks = Files.list(Path.of("/proc/self/task"))) {
            return tasks.filter(task -> nameOf(task).startsWith("llatte-engine")).count();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static String nameOf(Path task) {
        try {
            return Files.readString(task.resolve("comm"));
        } catch (IOException e) {
            return ""; // it has ended
        }
    }
}
