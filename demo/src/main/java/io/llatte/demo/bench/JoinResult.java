package io.llatte.demo.bench;

import java.time.Instant;
import java.util.List;
import java.util.OptionalDouble;
import java.util.function.Function;
import java.util.function.ToDoubleFunction;

/// A join's runs.
///
/// @param model what was measured
/// @param setup with what
/// @param level through how much of the library
/// @param workload what was done
/// @param footprint the memory of the context that did it
/// @param time when the runs began
/// @param samples one for each run, in their order
public record JoinResult(ModelFacts model, Setup setup, Level level, JoinWorkload workload, Footprint footprint, Instant time,
                         List<JoinSample> samples) implements Measurement {

    private static final double MILLION = 1e6;

    public JoinResult {
        samples = List.copyOf(samples);
        if (samples.isEmpty()) {
            throw new IllegalArgumentException("a result needs at least one run");
        }
    }

    /// Gaps of all runs together.
    List<Long> gaps(Function<JoinSample, List<Long>> kind) {
        return samples.stream().flatMap(sample -> kind.apply(sample).stream()).toList();
    }

    /// Milliseconds that a share of the gaps are no longer than; empty where there is none.
    OptionalDouble gapMillis(Function<JoinSample, List<Long>> kind, double share) {
        List<Long> sorted = gaps(kind).stream().sorted().toList();
        return sorted.isEmpty() ? OptionalDouble.empty()
                : OptionalDouble.of(sorted.get((int) Math.ceil(share * sorted.size()) - 1) / MILLION);
    }

    /// The median of a number over the runs.
    double median(ToDoubleFunction<JoinSample> number) {
        return RatioRow.median(samples.stream().map(number::applyAsDouble).toList());
    }

    /// Milliseconds to the first token of the prompt that joined.
    double joinedMillis() {
        return median(JoinSample::joined) / MILLION;
    }

    /// The same of a prompt of that length alone.
    double aloneMillis() {
        return median(JoinSample::alone) / MILLION;
    }

    /// How many times as long the first token took joined as alone.
    double firstTokenRatio() {
        return median(sample -> (double) sample.joined() / sample.alone());
    }

    /// A ratio; empty where a side is missing.
    static OptionalDouble ratio(OptionalDouble a, OptionalDouble b) {
        return a.isPresent() && b.isPresent() ? OptionalDouble.of(a.getAsDouble() / b.getAsDouble()) : OptionalDouble.empty();
    }
}
