package io.llatte.demo.serve;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import io.llatte.ChatOptions;
import io.llatte.engine.ContextSize;
import io.llatte.engine.EngineStatistics;
import io.llatte.engine.InProcessEngine;
import io.llatte.llama.SamplingOptions;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// Many clients for a long time, some of which go away: `-Dllatte.soak=true` for five minutes, else for some seconds.
class SoakIT {

    private static final Logger LOG = LoggerFactory.getLogger(SoakIT.class);

    private static final int CLIENTS = 64;
    private static final int TOKENS = 100;
    private static final String BODY = "{\"prompt\": \"%s\", \"max_tokens\": %d, \"temperature\": 0, \"ignore_eos\": true, \"stream\": true, "
            + "\"stream_options\": {\"include_usage\": true}}";
    private static final boolean FULL = Boolean.getBoolean("llatte.test.soak");
    private static final Duration LENGTH = FULL ? Duration.ofMinutes(5) : Duration.ofSeconds(8);

    /// What heap, code and pools may differ by without anything being lost.
    private static final long DRIFT_BYTES = 64L << 20;

    private final AtomicLong finished = new AtomicLong();
    private final AtomicLong left = new AtomicLong();
    private final AtomicLong tokens = new AtomicLong();

    @Test
    void manyClientsOfWhichSomeLeave_loseNothing() throws Exception {
        ServerFixture.Builder builder = ServerFixture.builder();
        builder.engine.sequences(CLIENTS).contextSize(ContextSize.of(CLIENTS * 256));
        try (var server = builder.start().load(ServerFixture.FIRST)) {
            // The heap is taken from the system as it is first used.
            run(server, LENGTH.dividedBy(2), true);
            int threads = ManagementFactory.getThreadMXBean().getThreadCount();
            long resident = settledBytes();
            run(server, LENGTH.dividedBy(2), true);
            awaitNothingRuns(server);
            LOG.warn("{} answers finished, {} clients left, {} MiB more", finished, left, (settledBytes() - resident) >> 20);
            assertThat(finished.get()).isPositive();
            assertThat(left.get()).isPositive();
            assertThat(settledBytes() - resident).isLessThan(DRIFT_BYTES);
            assertThat(ManagementFactory.getThreadMXBean().getThreadCount()).isLessThanOrEqualTo(threads + 2);
            awaitConnections(server, 0);
            assertThat(statistics(server).preemptions()).isZero();
        }
    }

    /// What docs/performance.md says of HTTP's cost comes from this; it asserts nothing of time.
    @Test
    void tokensThroughHttp_areThoseOfTheEngine() throws Exception {
        ServerFixture.Builder builder = ServerFixture.builder();
        builder.engine.sequences(CLIENTS).contextSize(ContextSize.of(CLIENTS * 256));
        Duration part = FULL ? Duration.ofSeconds(20) : Duration.ofSeconds(2);
        try (var server = builder.start().load(ServerFixture.FIRST)) {
            // Until the compilers are done.
            for (int i = 0; i < 3; i++) {
                runEngine(server, part);
                runCheaply(server, part);
            }
            List<Double> ratios = new ArrayList<>();
            for (int round = 0; round < (FULL ? 6 : 2); round++) {
                double engine = rate(() -> runEngine(server, part));
                double http = rate(() -> runCheaply(server, part));
                ratios.add(http / engine);
                LOG.warn("round {}: engine {} tokens/s, HTTP {} tokens/s, ratio {}", round, Math.round(engine), Math.round(http), http / engine);
            }
            assertThat(ratios).isNotEmpty();
            assertThat(tokens.get() % TOKENS).isZero();
        }
    }

    private interface Part {
        void run() throws Exception;
    }

    private double rate(Part part) throws Exception {
        long before = tokens.get();
        long start = System.nanoTime();
        part.run();
        return (tokens.get() - before) * 1e9 / (System.nanoTime() - start);
    }

    private static void inParallel(Part part) throws Exception {
        List<Future<?>> clients = new ArrayList<>();
        try (var threads = Executors.newVirtualThreadPerTaskExecutor()) {
            for (int i = 0; i < CLIENTS; i++) {
                clients.add(threads.submit(() -> {
                    part.run();
                    return null;
                }));
            }
        }
        for (Future<?> client : clients) {
            client.get();
        }
    }

    private void runEngine(ServerFixture server, Duration length) throws Exception {
        long end = System.nanoTime() + length.toNanos();
        inParallel(() -> {
            var random = new Random();
            while (System.nanoTime() < end) {
                var options = ChatOptions.builder().maxTokens(TOKENS).ignoreEog(true).sampling(SamplingOptions.greedy()).build();
                try (var stream = server.llm().streamCompletion(prompt(random), options)) {
                    stream.forEachRemaining(_ -> tokens.incrementAndGet());
                }
            }
        });
    }

    private static String prompt(Random random) {
        return "number " + random.nextInt(1000);
    }

    private void run(ServerFixture server, Duration length, boolean someLeave) throws Exception {
        long end = System.nanoTime() + length.toNanos();
        inParallel(() -> {
            var random = new Random();
            while (System.nanoTime() < end) {
                try (var client = new RawClient(server.server.port())) {
                    boolean stays = true;
                    while (stays && System.nanoTime() < end) {
                        stays = !someLeave || random.nextInt(4) > 0;
                        ask(client, random, stays);
                    }
                }
            }
        });
    }

    /// With clients that take little of the cores that the server needs.
    private void runCheaply(ServerFixture server, Duration length) throws Exception {
        long end = System.nanoTime() + length.toNanos();
        inParallel(() -> {
            var random = new Random();
            try (var client = new RawClient(server.server.port())) {
                while (System.nanoTime() < end) {
                    client.post("/v1/completions", BODY.formatted(prompt(random), TOKENS));
                    client.skipAnswer();
                    tokens.addAndGet(TOKENS);
                }
            }
        });
    }

    private void ask(RawClient client, Random random, boolean stays) throws IOException {
        client.post("/v1/completions", BODY.formatted(prompt(random), TOKENS));
        int lines = stays ? Integer.MAX_VALUE : 1 + random.nextInt(40);
        String usage = "";
        boolean ended = false;
        for (int i = 0; i < lines; i++) {
            String line = client.line();
            assertThat(line).isNotNull();
            if (line.startsWith("HTTP/1.1")) {
                assertThat(line).contains("200");
            } else if (line.contains("\"usage\"")) {
                usage = line;
            } else if (line.contains("\"finish_reason\":\"length\"")) {
                ended = true;
            } else if (line.equals("data: [DONE]")) {
                // The last chunk of the transfer.
                client.lineWith("0");
                client.line();
                break;
            }
        }
        if (stays) {
            JsonNode told = ServerFixture.json(usage.substring("data: ".length()));
            assertThat(told.at("/usage/completion_tokens").asInt()).isEqualTo(TOKENS);
            assertThat(ended).isTrue();
            finished.incrementAndGet();
            tokens.addAndGet(TOKENS);
        } else {
            left.incrementAndGet();
        }
    }

    private static EngineStatistics statistics(ServerFixture server) {
        return ((InProcessEngine) server.llm().engine().orElseThrow()).statistics();
    }

    private static void awaitNothingRuns(ServerFixture server) throws InterruptedException {
        while (statistics(server).running() + statistics(server).waiting() > 0) {
            Thread.sleep(5);
        }
    }

    private static void awaitConnections(ServerFixture server, int count) throws InterruptedException {
        while (server.server.connections() > count) {
            Thread.sleep(5);
        }
    }

    /// The process's own memory, with the heap collected.
    private static long settledBytes() throws IOException {
        System.gc();
        long heap = ManagementFactory.getMemoryMXBean().getHeapMemoryUsage().getUsed();
        long anonymous = Files.readAllLines(Path.of("/proc/self/status")).stream().filter(line -> line.startsWith("RssAnon:"))
                .mapToLong(line -> Long.parseLong(line.replaceAll("\\D", "")) * 1024).sum();
        long committed = ManagementFactory.getMemoryMXBean().getHeapMemoryUsage().getCommitted();
        return anonymous - committed + heap;
    }
}
