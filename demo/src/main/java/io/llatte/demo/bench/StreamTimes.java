package io.llatte.demo.bench;

import java.util.List;

/// When the tokens of one stream came, by [System#nanoTime()].
///
/// @param promptTokens tokens of the prompt that were evaluated
/// @param first when the first token came, which ends the prompt
/// @param last when the last one came
record StreamTimes(int promptTokens, long first, long last) {

    /// What streams that began together did of a workload. Prompts are done when every stream has its first token; generation begins when one
    /// has it, and ends with the last token of all.
    static Sample sample(Workload workload, long start, List<StreamTimes> streams) {
        long firstOfAll = streams.stream().mapToLong(StreamTimes::first).min().orElseThrow();
        long prompted = streams.stream().mapToLong(StreamTimes::first).max().orElseThrow();
        long end = streams.stream().mapToLong(StreamTimes::last).max().orElseThrow();
        long promptTokens = streams.stream().mapToLong(StreamTimes::promptTokens).sum();
        long generatedTokens = (long) workload.generatedTokens() * streams.size();
        if (workload.generatedTokens() == 0) {
            return Sample.of(promptTokens, prompted - start, 0, 0);
        }
        if (workload.promptTokens() == 0) {
            return Sample.of(0, 0, generatedTokens, end - firstOfAll);
        }
        return new Sample(promptTokens, prompted - start, generatedTokens, end - firstOfAll, end - start);
    }
}
