package io.llatte.engine;

import static io.llatte.engine.Engines.endless;
import static io.llatte.engine.Engines.options;
import static io.llatte.engine.Engines.start;
import static org.assertj.core.api.Assertions.assertThat;

import com.sun.management.ThreadMXBean;
import io.llatte.llama.TokenStream;
import io.llatte.memory.DeviceArena;
import java.lang.management.ManagementFactory;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalInt;
import java.util.concurrent.BrokenBarrierException;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/// What a token of one of eight streams costs on the Java heap: nothing on the thread that decodes, and its text on the one that reads.
@Timeout(120)
class EngineAllocationIT {

    private static final int STREAMS = 8;
    private static final int TOKENS = 300;
    private static final int FIRST_MEASURED = 50;
    private static final int MEASURED_TOKENS = 200;

    /// Until what the loop calls is compiled, which takes longer on a busy machine.
    private static final int WARM_UP_ROUNDS = 20;
    private static final int MOST_ROUNDS = 100;
    private static final int MOST_BYTES_A_TEXT = 200;

    @TempDir
    Path temp;

    private final ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();

    @Test
    void eightStreams_allocateNothingWhereTheyAreDecoded_andATextWhereTheyAreRead() throws Exception {
        try (var arena = DeviceArena.open(); var engine = Engines.load(arena, temp, options(STREAMS * 512).build())) {
            Allocated allocated = measureWarm(engine, OptionalInt.empty());
            long perText = allocated.readers / (STREAMS * MEASURED_TOKENS);
            System.out.printf("%d tokens of eight streams: %d bytes where they are decoded, %d bytes a token where they are read%n",
                    STREAMS * MEASURED_TOKENS, allocated.decoder, perText);
            assertThat(allocated.decoder).as("bytes on the decode thread").isZero();
            assertThat(perText).isLessThan(MOST_BYTES_A_TEXT);
        }
    }

    @Test
    void logprobs_allocateNothingWhereTheyAreDecoded() throws Exception {
        try (var arena = DeviceArena.open(); var engine = Engines.load(arena, temp, options(STREAMS * 512).build())) {
            assertThat(measureWarm(engine, OptionalInt.of(5)).decoder).as("bytes on the decode thread").isZero();
        }
    }

    private Allocated measureWarm(Engine engine, OptionalInt topLogprobs) throws InterruptedException {
        for (int round = 0; round < WARM_UP_ROUNDS; round++) {
            measure(engine, topLogprobs);
        }
        Allocated allocated = measure(engine, topLogprobs);
        for (int round = WARM_UP_ROUNDS; round < MOST_ROUNDS && allocated.decoder > 0; round++) {
            allocated = measure(engine, topLogprobs);
        }
        return allocated;
    }

    private record Allocated(long decoder, long readers) {
    }

    /// All read the measured tokens at the same time, after all have begun and before any ends.
    private Allocated measure(Engine engine, OptionalInt topLogprobs) throws InterruptedException {
        long decoder = threadNamed("llatte-engine");
        var decoderBytes = new AtomicLong();
        var readerBytes = new AtomicLong();
        var begin = new CyclicBarrier(STREAMS, () -> decoderBytes.set(-threads.getThreadAllocatedBytes(decoder)));
        var end = new CyclicBarrier(STREAMS, () -> decoderBytes.addAndGet(threads.getThreadAllocatedBytes(decoder)));
        List<Thread> readers = new ArrayList<>();
        for (int i = 0; i < STREAMS; i++) {
            TokenStream stream = start(engine, endless(new Prompt.Text("cat " + i), TOKENS).topLogprobs(topLogprobs).build());
            readers.add(Thread.ofPlatform().start(() -> {
                try (stream) {
                    read(stream, FIRST_MEASURED);
                    begin.await();
                    long self = Thread.currentThread().threadId();
                    long before = threads.getThreadAllocatedBytes(self);
                    read(stream, MEASURED_TOKENS);
                    readerBytes.addAndGet(threads.getThreadAllocatedBytes(self) - before);
                    end.await();
                    read(stream, TOKENS - FIRST_MEASURED - MEASURED_TOKENS);
                } catch (InterruptedException | BrokenBarrierException e) {
                    throw new IllegalStateException(e);
                }
            }));
        }
        for (Thread reader : readers) {
            reader.join();
        }
        return new Allocated(decoderBytes.get(), readerBytes.get());
    }

    private static void read(TokenStream stream, int count) {
        for (int i = 0; i < count; i++) {
            stream.next();
        }
    }

    private static long threadNamed(String prefix) {
        return Thread.getAllStackTraces().keySet().stream().filter(thread -> thread.getName().startsWith(prefix)).findFirst().orElseThrow()
                .threadId();
    }
}
