package io.llatte.demo.bench;

import java.util.List;
import java.util.stream.IntStream;

/// A level of this library beside a program of llama.cpp's.
///
/// @param level ours
/// @param rival theirs
/// @param test at what
/// @param ours our rate, the median of the rounds
/// @param theirs their rate, the median of the rounds
/// @param ratio ours / theirs, the median of the rounds' ratios
/// @param least the least of these
/// @param most the greatest of these
public record RatioRow(Level level, String rival, String test, double ours, double theirs, double ratio, double least, double most)
        implements ComparisonRow {

    /// @param ours a rate for each round
    /// @param theirs a rate for each round
    static RatioRow of(Level level, String rival, String test, List<Double> ours, List<Double> theirs) {
        if (ours.size() != theirs.size()) {
            throw new IllegalArgumentException("%d rounds of ours and %d of theirs".formatted(ours.size(), theirs.size()));
        }
        List<Double> ratios = IntStream.range(0, ours.size()).mapToObj(i -> ours.get(i) / theirs.get(i)).toList();
        return new RatioRow(level, rival, test, median(ours), median(theirs), median(ratios),
                ratios.stream().min(Double::compare).orElseThrow(), ratios.stream().max(Double::compare).orElseThrow());
    }

    static double median(List<Double> values) {
        List<Double> sorted = values.stream().sorted().toList();
        int middle = sorted.size() / 2;
        return sorted.size() % 2 == 1 ? sorted.get(middle) : (sorted.get(middle - 1) + sorted.get(middle)) / 2;
    }
}
