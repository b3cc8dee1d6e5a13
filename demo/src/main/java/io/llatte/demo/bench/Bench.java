package io.llatte.demo.bench;

import io.llatte.InsufficientMemoryException;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;

/// Measures workloads: loads the model for each setup, level and size of context, warms each workload up, and runs it again and again.
public final class Bench {

    private final List<Level> levels;
    private final List<Workload> workloads;
    private final int repetitions;
    private final Consumer<String> progress;
    private final List<String> leftOut = new ArrayList<>();

    /// @param progress hears what is measured next
    public Bench(List<Level> levels, List<Workload> workloads, int repetitions, Consumer<String> progress) {
        this.levels = List.copyOf(levels);
        this.workloads = List.copyOf(workloads);
        this.repetitions = repetitions;
        this.progress = progress;
    }

    /// What a setup gives. What does not fit into memory is left out, so that the others of a long list are not lost.
    ///
    /// @throws BenchException if an answer ended early
    public List<Result> run(Setup setup) {
        ModelFacts model = ModelFacts.of(setup.model());
        List<Result> results = new ArrayList<>();
        for (Level level : levels) {
            for (List<Workload> alike : byContext(level)) {
                progress.accept("loading " + setup.model().getFileName() + " for level " + level);
                try (Runner runner = level.open(setup, alike)) {
                    alike.forEach(workload -> results.add(run(runner, model, setup, level, workload)));
                } catch (InsufficientMemoryException e) {
                    alike.forEach(workload -> leftOut.add(name(level, workload) + ": " + e.getMessage()));
                }
            }
        }
        return results;
    }

    /// What a setup gives of prompts that join running streams; each has a context of its own.
    ///
    /// @throws BenchException if an answer ended early
    public static List<JoinResult> join(Setup setup, List<Level> levels, List<JoinWorkload> workloads, int repetitions, Consumer<String> progress) {
        ModelFacts model = ModelFacts.of(setup.model());
        List<JoinResult> results = new ArrayList<>();
        for (Level level : levels) {
            for (JoinWorkload workload : workloads) {
                String what = "%s, %d tokens join %d streams".formatted(level, workload.joiningTokens(), workload.sequences());
                progress.accept(what + ": loading and warming up");
                try (var joining = new Joining(setup, level, workload)) {
                    joining.warmUp();
                    Instant time = Instant.now();
                    List<JoinSample> samples = new ArrayList<>();
                    for (int i = 1; i <= repetitions; i++) {
                        progress.accept("%s: run %d of %d".formatted(what, i, repetitions));
                        samples.add(joining.run());
                    }
                    results.add(new JoinResult(model, setup, level, workload, joining.footprint(), time, samples));
                }
            }
        }
        return results;
    }

    /// The workloads in their order, cut where one needs another context than the one before it: each is measured in one of its own size, which is
    /// what its memory and its speed depend on.
    private List<List<Workload>> byContext(Level level) {
        List<List<Workload>> groups = new ArrayList<>();
        for (Workload workload : workloads) {
            if (groups.isEmpty() || !isAlike(level, groups.getLast().getFirst(), workload)) {
                groups.add(new ArrayList<>());
            }
            groups.getLast().add(workload);
        }
        return groups;
    }

    private static boolean isAlike(Level level, Workload a, Workload b) {
        return a.sequences() == b.sequences() && level.contextLength(List.of(a)) == level.contextLength(List.of(b));
    }

    /// What was left out, and why.
    public List<String> leftOut() {
        return List.copyOf(leftOut);
    }

    private static String name(Level level, Workload workload) {
        return level + " " + workload.name() + (workload.sequences() > 1 ? " x" + workload.sequences() : "");
    }

    private Result run(Runner runner, ModelFacts model, Setup setup, Level level, Workload workload) {
        String what = name(level, workload);
        progress.accept(what + ": warming up");
        runner.warmUp(workload);
        Instant time = Instant.now();
        List<Sample> samples = new ArrayList<>();
        for (int i = 1; i <= repetitions; i++) {
            progress.accept("%s: run %d of %d".formatted(what, i, repetitions));
            samples.add(runner.run(workload));
        }
        return new Result(model, setup, level, workload, runner.footprint(), time, samples);
    }
}
