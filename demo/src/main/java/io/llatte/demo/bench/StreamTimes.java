package io.llatte.demo.bench;

import java.util.List;

/// When the tokens of one stream came.
///
/// @param promptTokens tokens of the prompt that were evaluated
/// @param arrivals one [System#nanoTime()] for each token, in their order; at least one, and the first one ends the prompt
record StreamTimes(int promptTokens, long[] arrivals) {

    StreamTimes {
        if (arrivals.length == 0) {
            throw new BenchException("a stream ended without a token");
        }
    }

    long first() {
        return arrivals[0];
    }

    long last() {
        return arrivals[arrivals.length - 1];
    }

    /// Tokens that came after one moment and until another, both within the stream. Of the gap that a moment lies in the part counts: whole tokens
    /// alone would take one of nearly each stream from the count, as the tokens of one decode arrive one shortly after the other.
    double tokensBetween(long from, long to) {
        return tokensUntil(to) - tokensUntil(from);
    }

    private double tokensUntil(long moment) {
        int come = come(moment);
        if (come == 0 || come == arrivals.length) {
            return come;
        }
        return come + (double) (moment - arrivals[come - 1]) / (arrivals[come] - arrivals[come - 1]);
    }

    /// Tokens that have come at a moment; several may have come at once.
    private int come(long moment) {
        int come = 0;
        while (come < arrivals.length && arrivals[come] <= moment) {
            come++;
        }
        return come;
    }

    /// What streams that began together did of a workload. Prompts are done when every stream has its first token; generation is their [Window].
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
        return new Sample(promptTokens, prompted - start, generatedTokens, Window.of(streams), end - start);
    }
}
