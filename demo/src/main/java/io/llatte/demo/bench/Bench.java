package io.llatte.demo.bench;

import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;

/// Measures workloads: loads the model once for each setup and level, warms each workload up, and runs it again and again.
public final class Bench {

    private final List<Level> levels;
    private final List<Workload> workloads;
    private final int repetitions;
    private final Consumer<String> progress;

    /// @param progress hears what is measured next
    public Bench(List<Level> levels, List<Workload> workloads, int repetitions, Consumer<String> progress) {
        this.levels = List.copyOf(levels);
        this.workloads = List.copyOf(workloads);
        this.repetitions = repetitions;
        this.progress = progress;
    }

    /// What a setup gives.
    ///
    /// @throws BenchException if an answer ended early
    public List<Result> run(Setup setup) {
        ModelFacts model = ModelFacts.of(setup.model());
        List<Result> results = new ArrayList<>();
        for (Level level : levels) {
            progress.accept("loading " + setup.model().getFileName() + " for level " + level);
            try (Runner runner = level.open(setup, workloads)) {
                for (Workload workload : workloads) {
                    results.add(run(runner, model, setup, level, workload));
                }
            }
        }
        return results;
    }

    private Result run(Runner runner, ModelFacts model, Setup setup, Level level, Workload workload) {
        String what = level + " " + workload.name() + (workload.sequences() > 1 ? " x" + workload.sequences() : "");
        progress.accept(what + ": warming up");
        runner.warmUp(workload);
        Instant time = Instant.now();
        List<Sample> samples = new ArrayList<>();
        for (int i = 1; i <= repetitions; i++) {
            progress.accept("%s: run %d of %d".formatted(what, i, repetitions));
            samples.add(runner.run(workload));
        }
        return new Result(model, setup, level, workload, time, samples);
    }
}
