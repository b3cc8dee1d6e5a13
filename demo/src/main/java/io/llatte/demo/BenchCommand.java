package io.llatte.demo;

import io.llatte.demo.bench.Bench;
import io.llatte.demo.bench.Comparison;
import io.llatte.demo.bench.ComparisonRow;
import io.llatte.demo.bench.FailedRival;
import io.llatte.demo.bench.JoinResult;
import io.llatte.demo.bench.JoinWorkload;
import io.llatte.demo.bench.Level;
import io.llatte.demo.bench.RatioTable;
import io.llatte.demo.bench.Result;
import io.llatte.demo.bench.ResultJson;
import io.llatte.demo.bench.ResultTable;
import io.llatte.demo.bench.Setup;
import io.llatte.demo.bench.Task;
import io.llatte.demo.bench.Workload;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/// `llatte bench`.
@Command(name = "bench", description = {
    "Measures tokens per second, as llama.cpp's llama-bench does.",
    "",
    "Options that take a list measure every combination; where it is one of numbers, 1-64*2 stands for 1,2,4,8,16,32,64, and 1-9+4 for 1,5,9.",
    "With --parallel the work is that of llama-batched-bench.",
    ""})
final class BenchCommand implements Callable<Integer> {

    private enum Format { MD, JSON }

    @Mixin
    private BenchModelArguments modelArguments;

    @Mixin
    private BenchSetupArguments setupArguments;

    @Mixin
    private BenchWorkArguments workArguments;

    @Option(names = "--level", paramLabel = "LEVEL", split = ",",
            description = "low: batches and decodes alone, as llama-bench; engine: a text continued by greedy sampling, streamed; chat: a "
                    + "conversation answered with default sampling, streamed. Default: all, and engine with --join")
    private List<Level> levels = List.of();

    @Option(names = {"-r", "--repetitions"}, paramLabel = "N", defaultValue = "5", description = "Runs of each test. Default: ${DEFAULT-VALUE}")
    private int repetitions;

    @Option(names = {"-o", "--output"}, paramLabel = "FORMAT", defaultValue = "md", description = "md or json. Default: ${DEFAULT-VALUE}")
    private Format format;

    @Option(names = "--compare", paramLabel = "FOLDER",
            description = "Run llama.cpp's own programs of this folder in turn with ours, --repetitions rounds of each, and show the ratios: "
                    + "llama-bench, llama-batched-bench, llama-completion, llama-server.")
    private Path programs;

    @Override
    public Integer call() throws IOException {
        Misuse.unless(repetitions >= 1, "--repetitions must be at least 1: " + repetitions);
        Misuse.unless(!workArguments.isJoin() || programs == null, "--join and --compare exclude each other");
        Misuse.unless(!workArguments.isJoin() || !levels.contains(Level.LOW), "--join measures streams, and level low has none");
        List<Workload> workloads = workArguments.workloads();
        List<Setup> setups = setupArguments.setups(modelArguments.files(), workArguments.maxSequences());
        if (workArguments.isJoin()) {
            join(setups, workArguments.joins());
        } else if (programs == null) {
            measure(setups, workloads);
        } else {
            compare(setups, workloads);
        }
        return CommandLine.ExitCode.OK;
    }

    private List<Level> levels(List<Level> usual) {
        return levels.isEmpty() ? usual : levels;
    }

    private void join(List<Setup> setups, List<JoinWorkload> workloads) {
        List<JoinResult> results = new ArrayList<>();
        setups.forEach(setup -> results.addAll(Bench.join(setup, levels(List.of(Level.ENGINE)), workloads, repetitions, BenchCommand::showProgress)));
        Output.clearProgress();
        Output.print(switch (format) {
            case MD -> ResultTable.ofJoins(results);
            case JSON -> AnswerJson.write(ResultJson.ofJoins(results)) + "\n";
        });
    }

    private void measure(List<Setup> setups, List<Workload> workloads) {
        var bench = new Bench(levels(List.of(Level.values())), workloads, repetitions, BenchCommand::showProgress);
        List<Result> results = new ArrayList<>();
        setups.forEach(setup -> results.addAll(bench.run(setup)));
        Output.clearProgress();
        boolean batches = workArguments.isParallel();
        if (!results.isEmpty()) {
            Output.print(switch (format) {
                case MD -> batches ? ResultTable.ofBatches(results) : ResultTable.ofTests(results);
                case JSON -> AnswerJson.write(batches ? ResultJson.ofBatches(results) : ResultJson.ofTests(results)) + "\n";
            });
        }
        if (!bench.leftOut().isEmpty()) {
            throw new CommandException("left out, as it does not fit: " + String.join("; ", bench.leftOut()));
        }
    }

    /// Rows that could be made are shown before a program that failed is the command's failure.
    private void compare(List<Setup> setups, List<Workload> workloads) {
        boolean failed = false;
        for (Setup setup : setups) {
            var comparison = new Comparison(programs, levels(List.of(Level.values())), new Task(setup, workloads, workArguments.isParallel()));
            List<ComparisonRow> rows = comparison.run(repetitions, BenchCommand::showProgress);
            Output.clearProgress();
            Output.print(switch (format) {
                case MD -> RatioTable.text(setup, rows);
                case JSON -> AnswerJson.write(RatioTable.json(setup, rows)) + "\n";
            });
            failed |= rows.stream().anyMatch(FailedRival.class::isInstance);
        }
        if (failed) {
            throw new CommandException("a program of llama.cpp's failed: see the rows that say so");
        }
    }

    static void showProgress(String text) {
        if (Tty.isError()) {
            Output.progress(text);
        }
    }
}
