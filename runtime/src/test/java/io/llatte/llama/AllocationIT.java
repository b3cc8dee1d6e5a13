package io.llatte.llama;

import static org.assertj.core.api.Assertions.assertThat;

import com.sun.management.ThreadMXBean;
import io.llatte.memory.DeviceArena;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;

/// What a token costs in memory: nothing on the Java heap, and nothing that grows outside it.
class AllocationIT {

    private static final int MEASURED_TOKENS = 1_000;
    private static final int WARM_UP_TOKENS = 30_000;
    private static final int ATTEMPTS = 4;
    private static final long RSS_TOLERANCE_BYTES = 4L << 20;

    @Test
    void steadyDecodeLoop_allocatesNothingOnTheHeap() {
        var threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
        try (var loop = new Loop()) {
            loop.run(WARM_UP_TOKENS);
            long self = Thread.currentThread().threadId();
            threads.getThreadAllocatedBytes(self);
            loop.restart();

            long before = threads.getThreadAllocatedBytes(self);
            loop.steps(MEASURED_TOKENS);
            long after = threads.getThreadAllocatedBytes(self);

            assertThat(after - before).as("bytes allocated for %d tokens", MEASURED_TOKENS).isZero();
        }
    }

    @Test
    void residentMemory_isFlatOverTwentyThousandTokens() throws IOException {
        try (var loop = new Loop()) {
            loop.run(4_000);
            // A compiler's work of a moment passes; a leak comes back each time.
            long least = Long.MAX_VALUE;
            for (int i = 0; i < ATTEMPTS && least >= RSS_TOLERANCE_BYTES; i++) {
                System.gc();
                long before = residentBytes();
                loop.run(20_000);
                System.gc();
                least = Math.min(least, residentBytes() - before);
            }
            assertThat(least).isLessThan(RSS_TOLERANCE_BYTES);
        }
    }

    private static long residentBytes() throws IOException {
        return Files.readAllLines(Path.of("/proc/self/status")).stream().filter(line -> line.startsWith("VmRSS:"))
                .mapToLong(line -> Long.parseLong(line.replaceAll("\\D", "")) * 1024).findFirst().orElseThrow();
    }

    /// Greedy generation by one thread in a context that holds all that is measured.
    private static final class Loop implements AutoCloseable {

        private static final int[] PROMPT = {3, 1, 4};
        private static final int CONTEXT = 2048;

        private final DeviceArena arena = DeviceArena.open();
        private final Model model = Model.load(TinyModels.llama(), arena);
        private final Context context = model.newContext(ContextOptions.builder().contextLength(CONTEXT).threads(1).batchThreads(1).build());
        private final Sampler sampler = Sampler.greedy(model);
        private Generation tokens;

        /// A stream's first tokens evaluate the prompt and make room for its record: they are not the steady state.
        void restart() {
            if (tokens != null) {
                tokens.close();
            }
            context.clear();
            tokens = context.sequence(0).generate(PROMPT, sampler, GenerateOptions.builder().ignoreEog(true).build());
            steps(10);
        }

        void steps(int count) {
            for (int i = 0; i < count; i++) {
                if (tokens.nextId() < 0) {
                    throw new AssertionError("ended after " + tokens.usage() + ": " + tokens.finishReason());
                }
            }
        }

        void run(int count) {
            for (int done = 0; done < count; done += MEASURED_TOKENS) {
                restart();
                steps(MEASURED_TOKENS);
            }
        }

        @Override
        public void close() {
            sampler.close();
            arena.close();
        }
    }
}
