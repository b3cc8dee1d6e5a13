package io.llatte.demo;

import io.llatte.demo.bench.Workload;
import java.util.ArrayList;
import java.util.List;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.Option;
import picocli.CommandLine.TypeConversionException;

/// What is measured: `llama-bench`'s tests, or `llama-batched-bench`'s.
final class BenchWorkArguments {

    @Option(names = {"-p", "--n-prompt"}, paramLabel = "N", split = ",", defaultValue = "512",
            description = "Tokens of a prompt; 0: no such test. Default: ${DEFAULT-VALUE}")
    private List<Integer> promptTokens;

    @Option(names = {"-n", "--n-gen"}, paramLabel = "N", split = ",", defaultValue = "128",
            description = "Tokens to generate; 0: no such test. Default: ${DEFAULT-VALUE}")
    private List<Integer> generatedTokens;

    @Option(names = "-pg", paramLabel = "PP,TG", converter = PairConverter.class,
            description = "A test of a prompt and what is generated after it; may be given several times.")
    private List<Workload> pairs = List.of();

    @Option(names = "--parallel", paramLabel = "N", split = ",",
            description = "So many sequences side by side, each with a prompt of -p tokens and -n tokens after it.")
    private List<Integer> parallel = List.of();

    boolean isParallel() {
        return !parallel.isEmpty();
    }

    int maxSequences() {
        return parallel.stream().mapToInt(Integer::intValue).max().orElse(1);
    }

    /// The tests, in the order of the programs that they come from.
    ///
    /// @throws Misuse if a number is out of its range, or nothing is left
    List<Workload> workloads() {
        promptTokens.forEach(count -> Misuse.unless(count >= 0, "--n-prompt must be 0 or more: " + count));
        generatedTokens.forEach(count -> Misuse.unless(count >= 0, "--n-gen must be 0 or more: " + count));
        parallel.forEach(count -> Misuse.unless(count >= 1, "--parallel must be at least 1: " + count));
        Misuse.unless(!isParallel() || pairs.isEmpty(), "-pg and --parallel exclude each other");
        List<Workload> workloads = isParallel() ? batches() : tests();
        Misuse.unless(!workloads.isEmpty(), "nothing is left to measure");
        return workloads;
    }

    private List<Workload> batches() {
        List<Workload> workloads = new ArrayList<>();
        for (int prompt : promptTokens) {
            for (int generated : generatedTokens) {
                Misuse.unless(prompt > 0 && generated > 0, "--parallel needs prompts and something to generate");
                parallel.forEach(sequences -> workloads.add(new Workload(prompt, generated, sequences)));
            }
        }
        return workloads;
    }

    private List<Workload> tests() {
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
