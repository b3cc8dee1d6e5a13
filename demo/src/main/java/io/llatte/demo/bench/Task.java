package io.llatte.demo.bench;

import java.util.List;

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
        return rates(contestant, workload, sample.promptRate(), sample.generationRate(), sample.rate());
    }

    /// The same of numbers that another program gave.
    static List<Rate> rates(String contestant, Workload workload, double prompt, double generation, double all) {
        String sequences = " x" + workload.sequences();
        return List.of(new Rate(contestant, "pp" + workload.promptTokens() + sequences, prompt),
                new Rate(contestant, "tg" + workload.generatedTokens() + sequences, generation),
                new Rate(contestant, workload.name() + sequences, all));
    }
}
