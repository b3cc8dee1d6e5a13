package io.llatte.demo.bench;

import io.llatte.llama.TokenStream;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.stream.IntStream;

/// Lets a prompt join streams that run. The caller closes it.
final class Joining implements AutoCloseable {

    private final Streams streams;
    private final JoinWorkload workload;
    private final int mostTokens;

    /// Loads the model.
    Joining(Setup setup, Level level, JoinWorkload workload) {
        this.workload = workload;
        int microBatchSize = Math.min(setup.microBatchSize(), setup.batchSize());
        mostTokens = workload.mostTokens(microBatchSize);
        streams = new Streams(setup, level, workload.context(microBatchSize));
    }

    /// When a prompt was asked, began to be evaluated, and had its first token.
    private record FirstToken(long asked, long admitted, long came) {

        long nanos() {
            return came - asked;
        }
    }

    /// Does as much of it as makes the next run as fast as any after it.
    void warmUp() {
        run(JoinWorkload.LEAST_TOKENS_BEFORE);
    }

    JoinSample run() {
        return run(workload.tokensBefore());
    }

    Footprint footprint() {
        return streams.footprint();
    }

    private JoinSample run(int tokensBefore) {
        FirstToken alone = firstToken(streams.prompt(workload.joiningTokens()));
        List<String> prompts = IntStream.range(0, workload.sequences()).mapToObj(_ -> streams.prompt(workload.promptTokens())).toList();
        String joining = streams.prompt(workload.joiningTokens());
        var ready = new CountDownLatch(prompts.size());
        var joined = new AtomicBoolean();
        FirstToken first;
        List<StreamTimes> running;
        try (var threads = Executors.newVirtualThreadPerTaskExecutor()) {
            List<Future<StreamTimes>> readers = prompts.stream()
                    .map(prompt -> threads.submit(() -> read(prompt, tokensBefore, ready, joined))).toList();
            try {
                ready.await();
                first = firstToken(joining);
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                throw new BenchException("interrupted");
            } finally {
                joined.set(true);
            }
            running = readers.stream().map(Streams::result).toList();
        }
        for (StreamTimes stream : running) {
            if (stream.last() < first.came()) {
                throw new BenchException("a running stream ended after %d tokens, before the joining prompt had its first one"
                        .formatted(stream.arrivals().length));
            }
        }
        return JoinSample.of(running, first.asked(), first.admitted(), first.came(), alone.nanos());
    }

    private FirstToken firstToken(String prompt) {
        long asked = System.nanoTime();
        try (TokenStream stream = streams.open(prompt, 1)) {
            stream.next();
            long came = System.nanoTime();
            return new FirstToken(asked, came - stream.timings().prefill().toNanos(), came);
        }
    }

    /// Reads until the prompt that joins has its first token, and one token more.
    private StreamTimes read(String prompt, int tokensBefore, CountDownLatch ready, AtomicBoolean joined) {
        long[] arrivals = new long[mostTokens];
        int come = 0;
        try (TokenStream stream = streams.open(prompt, mostTokens)) {
            boolean last = false;
            while (!last && stream.hasNext()) {
                last = joined.get();
                stream.next();
                arrivals[come++] = System.nanoTime();
                if (come == tokensBefore) {
                    ready.countDown();
                }
            }
            return new StreamTimes(stream.usage().promptTokens(), Arrays.copyOf(arrivals, come));
        } finally {
            if (come < tokensBefore) {
                ready.countDown();
            }
        }
    }

    @Override
    public void close() {
        streams.close();
    }
}
