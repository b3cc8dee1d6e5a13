package io.llatte.demo;

import io.llatte.demo.bench.JoinWorkload;
import io.llatte.demo.bench.Workload;
import java.util.ArrayList;
import java.util.List;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.Option;
import picocli.CommandLine.TypeConversionException;

/// What is measured: `llama-bench`'s tests, or `llama-batched-bench`'s.
final class BenchWorkArguments {

    @Option(names = {"-p", "--n-prompt"}, paramLabel = "N", split = ",", defaultValue = "512", converter = NumberRange.Converter.class,
            description = "Tokens of a prompt; 0: no such test. Default: ${DEFAULT-VALUE}")
    private List<NumberRange> promptLengths;

    @Option(names = {"-n", "--n-gen"}, paramLabel = "N", split = ",", defaultValue = "128", converter = NumberRange.Converter.class,
            description = "Tokens to generate; 0: no such test. Default: ${DEFAULT-VALUE}")
    private List<NumberRange> generationLengths;

    @Option(names = "-pg", paramLabel = "PP,TG", converter = PairConverter.class,
            description = "A test of a prompt and what is generated after it; may be given several times.")
    private List<Workload> pairs = List.of();

    @Option(names = "--parallel", paramLabel = "N", split = ",", converter = NumberRange.Converter.class,
            description = "So many sequences side by side, each with a prompt of -p tokens and -n tokens after it.")
    private List<NumberRange> sequenceCounts = List.of();

    @Option(names = "--join", paramLabel = "N", split = ",", converter = NumberRange.Converter.class,
            description = "With --parallel: a prompt of N tokens joins the sequences when each has generated -n tokens; shows what that does to the "
                    + "time between two of their tokens, and to its time to the first one.")
    private List<NumberRange> joiningLengths = List.of();

    boolean isJoin() {
        return !joiningLengths.isEmpty();
    }

    boolean isParallel() {
        return !sequenceCounts.isEmpty();
    }

    int maxSequences() {
        return NumberRange.all(sequenceCounts).stream().mapToInt(Integer::intValue).max().orElse(1);
    }

    /// The tests, in the order of the programs that they come from.
    ///
    /// @throws Misuse if a number is out of its range, or nothing is left
    List<Workload> workloads() {
        List<Integer> promptTokens = NumberRange.all(promptLengths);
        List<Integer> generatedTokens = NumberRange.all(generationLengths);
        List<Integer> parallel = NumberRange.all(sequenceCounts);
        promptTokens.forEach(count -> Misuse.unless(count >= 0, "--n-prompt must be 0 or more: " + count));
        generatedTokens.forEach(count -> Misuse.unless(count >= 0, "--n-gen must be 0 or more: " + count));
        parallel.forEach(count -> Misuse.unless(count >= 1, "--parallel must be at least 1: " + count));
        Misuse.unless(!isParallel() || pairs.isEmpty(), "-pg and --parallel exclude each other");
        List<Workload> workloads = isParallel() ? batches(promptTokens, generatedTokens, parallel) : tests(promptTokens, generatedTokens);
        Misuse.unless(!workloads.isEmpty(), "nothing is left to measure");
        return workloads;
    }

    /// The joins: each of the workloads with each of the prompts that join.
    ///
    /// @throws Misuse if a number is out of its range
    List<JoinWorkload> joins() {
        Misuse.unless(isParallel(), "--join needs --parallel: the sequences that run");
        List<JoinWorkload> joins = new ArrayList<>();
        for (Workload running : workloads()) {
            for (int joining : NumberRange.all(joiningLengths)) {
                joins.add(Misuse.ofOption(() -> new JoinWorkload(running.promptTokens(), running.generatedTokens(), running.sequences(), joining)));
            }
        }
        return joins;
    }

    private static List<Workload> batches(List<Integer> promptTokens, List<Integer> generatedTokens, List<Integer> parallel) {
        List<Workload> workloads = new ArrayList<>();
        for (int prompt : promptTokens) {
            for (int generated : generatedTokens) {
                Misuse.unless(prompt > 0 && generated > 0, "--parallel needs prompts and something to generate");
                parallel.forEach(sequences -> workloads.add(new Workload(prompt, generated, sequences)));
            }
        }
        return workloads;
    }

    private List<Workload> tests(List<Integer> promptTokens, List<Integer> generatedTokens) {
        List<Workload> workloads = new ArrayList<>();
        promptTokens.stream().filter(count -> count > 0).forEach(count -> workloads.add(new Workload(count, 0, 1)));
        generatedTokens.stream().filter(count -> count > 0).forEach(count -> workloads.add(new Workload(0, count, 1)));
        workloads.addAll(pairs);
        return workloads;
    }

    private static final class PairConverter implements ITypeConverter<Workload> {
        @Override
        public Workload convert(String value) {
            String[] parts = value.split(",");
            try {
                if (parts.length == 2) {
                    return new Workload(Integer.parseInt(parts[0].strip()), Integer.parseInt(parts[1].strip()), 1);
                }
            } catch (IllegalArgumentException e) {
                // Said below: a number that is none, and one out of its range.
            }
            throw new TypeConversionException("'%s' is no pair of a prompt's length and of how many tokens follow".formatted(value));
        }
    }
}
