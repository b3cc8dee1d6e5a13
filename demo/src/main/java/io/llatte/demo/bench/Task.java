package io.llatte.demo.bench;

import java.util.ArrayList;
import java.util.List;
import java.util.OptionalDouble;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/// What contestants are compared by.
///
/// @param setup with what
/// @param workloads what they do
/// @param batches whether these are `llama-batched-bench`'s, whose parts are told apart, or `llama-bench`'s
public record Task(Setup setup, List<Workload> workloads, boolean batches) {

    public Task {
        workloads = List.copyOf(workloads);
    }

    /// What a run of a workload counts for.
    List<Rate> rates(String contestant, Workload workload, Sample sample) {
        if (!batches) {
            return List.of(new Rate(contestant, workload.name(), sample.rate()));
        }
        return rates(contestant, workload, sample.promptRate(), sample.generation().stream().mapToDouble(Window::rate).findAny(), sample.rate());
    }

    /// All that may be told of the workloads, in order.
    List<String> tests() {
        return workloads.stream().flatMap(workload -> batches ? rates("", workload, 0, OptionalDouble.of(0), 0).stream().map(Rate::test)
                : Stream.of(workload.name())).distinct().toList();
    }

    /// Looks whether a contestant has done each workload.
    ///
    /// @throws BenchException if not
    void requireAll(String contestant, List<Rate> rates) {
        Set<String> told = rates.stream().map(Rate::test).collect(Collectors.toSet());
        for (Workload workload : workloads) {
            String test = batches ? workload.name() + " x" + workload.sequences() : workload.name();
            if (!told.contains(test)) {
                throw new BenchException("%s gave no result for %s".formatted(contestant, test));
            }
        }
    }

    /// The same of numbers that another program gave.
    ///
    /// @param generation empty where too little came for a rate
    static List<Rate> rates(String contestant, Workload workload, double prompt, OptionalDouble generation, double all) {
        String sequences = " x" + workload.sequences();
        List<Rate> rates = new ArrayList<>();
        rates.add(new Rate(contestant, "pp" + workload.promptTokens() + sequences, prompt));
        generation.ifPresent(rate -> rates.add(new Rate(contestant, "tg" + workload.generatedTokens() + sequences, rate)));
        rates.add(new Rate(contestant, workload.name() + sequences, all));
        return rates;
    }
}
