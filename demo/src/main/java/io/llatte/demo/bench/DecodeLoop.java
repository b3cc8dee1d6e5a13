package io.llatte.demo.bench;

import io.llatte.llama.Batch;
import io.llatte.llama.Context;
import io.llatte.llama.Model;
import io.llatte.llama.Vocab;
import io.llatte.memory.DeviceArena;
import java.util.List;
import java.util.SplittableRandom;

/// The lowest level: random tokens, prompts in batches, then one token of each sequence a decode, and nothing is sampled. One thread.
final class DecodeLoop implements Runner {

    private final SplittableRandom random = new SplittableRandom(1);
    private final DeviceArena arena = DeviceArena.open();
    private final Vocab vocab;
    private final Context context;
    private final Batch batch;

    DecodeLoop(Setup setup, List<Workload> workloads) {
        try {
            Model model = Model.load(setup.model(), setup.modelOptions(), arena);
            vocab = model.vocab();
            context = model.newContext(setup.contextOptions(workloads));
            batch = context.newBatch();
        } catch (RuntimeException | Error e) {
            arena.close();
            throw e;
        }
    }

    @Override
    public void warmUp(Workload workload) {
        context.clear();
        if (workload.promptTokens() > 0) {
            evaluatePrompts(workload);
        }
        if (workload.generatedTokens() > 0) {
            generate(workload, 1);
        }
    }

    @Override
    public Sample run(Workload workload) {
        context.clear();
        long start = System.nanoTime();
        evaluatePrompts(workload);
        long evaluated = System.nanoTime();
        generate(workload, workload.generatedTokens());
        long end = System.nanoTime();
        return Sample.of((long) workload.promptTokens() * workload.sequences(), evaluated - start,
                (long) workload.generatedTokens() * workload.sequences(), end - evaluated);
    }

    @Override
    public Footprint footprint() {
        return Footprint.of(context.contextLength(), arena.ledger());
    }

    private void evaluatePrompts(Workload workload) {
        batch.clear();
        for (int sequence = 0; sequence < workload.sequences(); sequence++) {
            for (int position = 0; position < workload.promptTokens(); position++) {
                boolean output = position == workload.promptTokens() - 1 || batch.size() == batch.capacity() - 1;
                batch.add(tokenAt(position), position, sequence, output);
                if (batch.size() == batch.capacity()) {
                    context.decode(batch);
                    batch.clear();
                }
            }
        }
        if (!batch.isEmpty()) {
            context.decode(batch);
        }
        context.synchronize();
    }

    private void generate(Workload workload, int tokens) {
        for (int i = 0; i < tokens; i++) {
            int position = workload.promptTokens() + i;
            batch.clear();
            for (int sequence = 0; sequence < workload.sequences(); sequence++) {
                batch.add(tokenAt(position), position, sequence, true);
            }
            context.decode(batch);
            context.synchronize();
        }
    }

    private int tokenAt(int position) {
        return position == 0 && vocab.addsBos() ? vocab.bos() : random.nextInt(vocab.size());
    }

    @Override
    public void close() {
        // What is measured next may compute on another thread.
        context.releaseThreads();
        arena.close();
    }
}
