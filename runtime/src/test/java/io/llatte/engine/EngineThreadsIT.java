package io.llatte.engine;

import static io.llatte.engine.Engines.options;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import io.llatte.bindings.LlamaCpp;
import io.llatte.llama.Llama;
import io.llatte.memory.DeviceArena;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
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
    @EnabledOnOs(OS.LINUX)
    void allThreadsOfADecode_runOnTheProcessorsThatWereNamed() throws IOException {
        int last = usable().getLast();
        var named = options(256).processors(List.of(last));
        try (var arena = DeviceArena.open(); var engine = Engines.load(arena, temp, named.threads(2).build());
             var defaults = Engines.load(arena, temp, named.threads(0).build())) {
            Engines.read(Engines.start(engine, Engines.greedy(Engines.WORDS, 4)));
            assertThat(processorsOfEngineThreads()).hasSize(3).containsOnly(String.valueOf(last));
            assertThat(LlamaCpp.llama_n_threads(defaults.context().handle())).isEqualTo(1);
        }
    }

    @Test
    @EnabledOnOs(OS.LINUX)
    void processorsThatAreNotThere_areRefusedBeforeAnythingIsLoaded() throws IOException {
        int first = usable().getFirst();
        assertThatIllegalArgumentException().isThrownBy(() -> assertThreads(options(256).processors(List.of(first, 8191)).build(), 1, 1))
                .withMessageContaining("8191");
        assertThatIllegalArgumentException().isThrownBy(() -> options(256).processors(List.of(-1)).build()).withMessageContaining("-1");
        assertThat(Llama.openHandles()).isZero();
    }

    /// What the kernel lets this process use.
    private static List<Integer> usable() throws IOException {
        String list = allowed(Path.of("/proc/self/status"));
        return Stream.of(list.split(",")).flatMap(range -> {
            String[] ends = range.split("-");
            return IntStream.rangeClosed(Integer.parseInt(ends[0]), Integer.parseInt(ends[ends.length - 1])).boxed();
        }).toList();
    }

    private static List<String> processorsOfEngineThreads() throws IOException {
        List<String> all = new ArrayList<>();
        try (var tasks = Files.newDirectoryStream(Path.of("/proc/self/task"))) {
            for (Path task : tasks) {
                if (Files.readString(task.resolve("comm")).startsWith("llatte-engine")) {
                    all.add(allowed(task.resolve("status")));
                }
            }
        }
        return all;
    }

    private static String allowed(Path status) throws IOException {
        return Files.readAllLines(status).stream().filter(line -> line.startsWith("Cpus_allowed_list:")).findFirst().orElseThrow()
                .substring("Cpus_allowed_list:".length()).strip();
    }

    @Test
    void countsOutOfRange_areRefusedWithNumbers() {
        assertThatIllegalArgumentException().isThrownBy(() -> options(256).batchThreads(-1).build()).withMessage("batchThreads must be 0 to 512: -1");
        assertThatIllegalArgumentException().isThrownBy(() -> options(256).batchThreads(513).build()).withMessage("batchThreads must be 0 to 512: 513");
        assertThatIllegalArgumentException().isThrownBy(() -> options(256).threads(513).build()).withMessage("threads must be 0 to 512: 513");
    }
}
