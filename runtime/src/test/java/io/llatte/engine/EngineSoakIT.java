package io.llatte.engine;

import static io.llatte.engine.Engines.WORDS;
import static io.llatte.engine.Engines.greedy;
import static io.llatte.engine.Engines.options;
import static io.llatte.engine.Engines.read;
import static io.llatte.engine.Engines.start;
import static org.assertj.core.api.Assertions.assertThat;

import io.llatte.EngineBusyException;
import io.llatte.llama.FinishReason;
import io.llatte.llama.Llama;
import io.llatte.llama.TokenStream;
import io.llatte.memory.DeviceArena;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.Executors;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/// Random requests in waves: read, read slowly, cancelled anywhere, dropped without being closed. `-Dllatte.soak=true` goes on for ten minutes.
@Timeout(900)
class EngineSoakIT {

    private static final Duration LENGTH = Boolean.getBoolean("llatte.test.soak") ? Duration.ofMinutes(10) : Duration.ofSeconds(10);
    private static final int WAVE = 200;
    private static final int PROMPTS = 20;
    private static final int MOST_TOKENS = 60;

    @TempDir
    Path temp;

    private final ConcurrentLinkedQueue<Throwable> failures = new ConcurrentLinkedQueue<>();
    private final AtomicInteger completed = new AtomicInteger();
    private final AtomicInteger different = new AtomicInteger();

    @Test
    void randomRequests_neitherBlockNorLeak() throws Exception {
        run(options(2048).sequences(6).queueLimit(WAVE).build());
        System.out.printf("%d answers completed, %d of them not as alone: batches of other shapes%n", completed.get(), different.get());
    }

    @Test
    void reproducible_answersAreThoseThatARequestGetsAlone() throws Exception {
        run(options(2048).reproducible(true).queueLimit(WAVE).build());
        assertThat(different).hasValue(0);
    }

    private void run(EngineOptions engineOptions) throws Exception {
        var random = new Random(20261123);
        try (var arena = DeviceArena.open(); var engine = Engines.load(arena, temp, engineOptions)) {
            Map<String, List<Integer>> alone = answersAlone();
            List<String> prompts = List.copyOf(alone.keySet());
            long handles = Llama.openHandles();
            long end = System.nanoTime() + LENGTH.toNanos();
            while (System.nanoTime() < end) {
                try (var readers = Executors.newVirtualThreadPerTaskExecutor()) {
                    for (int i = 0; i < WAVE; i++) {
                        long seed = random.nextLong();
                        String prompt = prompts.get(random.nextInt(PROMPTS));
                        readers.submit(() -> ask(engine, prompt, alone.get(prompt), new Random(seed)));
                    }
                }
                assertThat(failures).isEmpty();
            }
            for (int i = 0; i < 1000 && (engine.statistics().running() > 0 || Llama.openHandles() > handles); i++) {
                System.gc();
                Thread.sleep(10);
            }
            assertThat(engine.statistics().waiting()).isZero();
            assertThat(engine.statistics().running()).isZero();
            assertThat(Llama.openHandles()).as("samplers of requests that ended").isEqualTo(handles);
            assertThat(completed.get()).isPositive();
        }
        assertThat(Llama.openHandles()).isZero();
    }

    private Map<String, List<Integer>> answersAlone() {
        var random = new Random(7);
        Map<String, List<Integer>> answers = new HashMap<>();
        try (var arena = DeviceArena.open(); var engine = Engines.load(arena, temp, options(2048).reproducible(true).build())) {
            while (answers.size() < PROMPTS) {
                String prompt = WORDS.substring(0, random.nextInt(WORDS.length())).repeat(1 + random.nextInt(3)) + answers.size();
                answers.put(prompt, read(start(engine, greedy(prompt, MOST_TOKENS))));
            }
        }
        return answers;
    }

    private void ask(Engine engine, String prompt, List<Integer> expected, Random random) {
        try {
            int tokens = 1 + random.nextInt(MOST_TOKENS);
            TokenStream stream = engine.generate(greedy(prompt, tokens), _ -> { });
            switch (random.nextInt(5)) {
                case 0 -> cancelAt(stream, random.nextInt(tokens));
                case 1 -> stream.close();
                case 2 -> {
                    // Dropped, neither read nor closed.
                }
                case 3 -> check(slowly(stream, random), expected.subList(0, tokens), stream);
                default -> check(read(stream), expected.subList(0, tokens), stream);
            }
        } catch (EngineBusyException e) {
            // As documented.
        } catch (Throwable e) {
            failures.add(e);
        }
    }

    private static void cancelAt(TokenStream stream, int token) {
        try (stream) {
            for (int i = 0; i < token && stream.hasNext(); i++) {
                stream.next();
            }
            stream.cancel();
            stream.forEachRemaining(_ -> { });
        }
    }

    private static List<Integer> slowly(TokenStream stream, Random random) throws InterruptedException {
        var ids = new ArrayList<Integer>();
        try (stream) {
            while (stream.hasNext()) {
                ids.add(stream.next().id());
                Thread.sleep(random.nextInt(3));
            }
        }
        return ids;
    }

    private void check(List<Integer> ids, List<Integer> expected, TokenStream stream) {
        assertThat(ids).hasSameSizeAs(expected);
        assertThat(stream.finishReason()).isEqualTo(FinishReason.LENGTH);
        completed.incrementAndGet();
        if (!ids.equals(expected)) {
            different.incrementAndGet();
        }
    }
}
