package io.llatte.demo.bench;

import io.llatte.ChatOptions;
import io.llatte.InsufficientMemoryException;
import io.llatte.LocalLlm;
import io.llatte.engine.PlacementReport;
import io.llatte.llama.ChatMessage;
import io.llatte.llama.SamplingOptions;
import io.llatte.llama.TokenStream;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;

/// The levels of an application: requests to a [LocalLlm], each read to its end by a virtual thread, timed where the tokens arrive.
///
/// A request asks for one token more than the workload says: the first one comes from the prompt, and each of the others takes a decode.
final class Streams implements Runner {

    private static final int WARM_UP_TOKENS = 16;

    private final LocalLlm llm;
    private final RandomText text;
    private final boolean chat;
    private final int contextLength;
    private int formatTokens;

    Streams(Setup setup, Level level, List<Workload> workloads) {
        chat = level == Level.CHAT;
        text = new RandomText(setup.model());
        contextLength = level.contextLength(workloads);
        llm = LocalLlm.builder().withoutPreference().options(setup.engineOptions(contextLength, Setup.maxSequences(workloads))).build();
        try {
            llm.init(setup.model().toString());
            requireGpus(setup, llm.placement().orElseThrow(), Machine.gpus());
            formatTokens = promptTokensOf("a") - 1;
        } catch (RuntimeException | Error e) {
            close();
            throw e;
        }
    }

    /// The engine goes on with fewer layers on GPUs, or none, where not all fit; that would be another measurement.
    ///
    /// @param gpus those that there are; empty for none
    /// @throws InsufficientMemoryException if all layers were to be on GPUs and are not
    static void requireGpus(Setup setup, PlacementReport placement, String gpus) {
        if (setup.gpuLayers() < 0 && !gpus.isEmpty() && placement.gpuLayers() < placement.layers()) {
            throw new InsufficientMemoryException("%d of %d layers fit on %s beside a context of %d tokens; -ngl says how many are to be there"
                    .formatted(placement.gpuLayers(), placement.layers(), gpus, placement.contextLength()), gpus, -1, -1);
        }
    }

    /// How many tokens a text becomes, by asking.
    private int promptTokensOf(String prompt) {
        try (TokenStream stream = open(prompt, 1)) {
            stream.forEachRemaining(_ -> { });
            return stream.usage().promptTokens();
        }
    }

    /// A greedy or default answer of so many tokens, whatever they are. The caller closes it.
    TokenStream open(String prompt, int maxTokens) {
        ChatOptions.Builder options = ChatOptions.builder().maxTokens(maxTokens).ignoreEog(true);
        return chat ? llm.stream(List.of(ChatMessage.user(prompt)), options.build())
                : llm.streamCompletion(prompt, options.sampling(SamplingOptions.greedy()).build());
    }

    /// A new text that becomes so many tokens with its format's, or few less.
    String prompt(int tokens) {
        return text.ofTokens(tokens - formatTokens);
    }

    @Override
    public void warmUp(Workload workload) {
        run(new Workload(workload.promptTokens(), Math.min(workload.generatedTokens(), WARM_UP_TOKENS), workload.sequences()));
    }

    @Override
    public Sample run(Workload workload) {
        List<Callable<StreamTimes>> readers = new ArrayList<>();
        for (int i = 0; i < workload.sequences(); i++) {
            String prompt = prompt(workload.promptTokens());
            readers.add(() -> read(prompt, workload.generatedTokens() + 1));
        }
        long start = System.nanoTime();
        return StreamTimes.sample(workload, start, inParallel(readers));
    }

    private StreamTimes read(String prompt, int tokens) {
        try (TokenStream stream = open(prompt, tokens)) {
            long[] arrivals = new long[tokens];
            int come = 0;
            while (come < tokens && stream.hasNext()) {
                stream.next();
                arrivals[come++] = System.nanoTime();
            }
            if (come != tokens) {
                throw new BenchException("an answer ended after %d of %d tokens: %s".formatted(come, tokens, stream.finishReason()));
            }
            return new StreamTimes(stream.usage().promptTokens() - stream.usage().cachedTokens(), arrivals);
        }
    }

    @Override
    public Footprint footprint() {
        return Footprint.of(contextLength, llm.ledger());
    }

    /// Runs all at once; one runs on this thread.
    static <T> List<T> inParallel(List<Callable<T>> tasks) {
        try (var threads = Executors.newVirtualThreadPerTaskExecutor()) {
            if (tasks.size() == 1) {
                return List.of(tasks.getFirst().call());
            }
            List<T> results = new ArrayList<>();
            for (Future<T> future : threads.invokeAll(tasks)) {
                results.add(result(future));
            }
            return results;
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new BenchException("interrupted");
        } catch (RuntimeException e) {
            throw e;
        } catch (Exception e) {
            throw new BenchException("a stream failed: " + e);
        }
    }

    /// What a stream gave, or what it failed with.
    static <T> T result(Future<T> stream) {
        try {
            return stream.get();
        } catch (ExecutionException e) {
            throw e.getCause() instanceof RuntimeException cause ? cause : new BenchException("a stream failed: " + e.getCause());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new BenchException("interrupted");
        }
    }

    @Override
    public void close() {
        text.close();
        llm.close();
    }
}
