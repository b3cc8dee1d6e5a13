package io.llatte.demo.bench;

import java.time.Instant;
import java.util.List;
import java.util.OptionalDouble;
import java.util.function.ToDoubleFunction;

/// A workload's runs.
///
/// @param model what was measured
/// @param setup with what
/// @param level through how much of the library
/// @param workload what was done
/// @param footprint the memory of the context that did it
/// @param time when the runs began
/// @param samples one for each run, in their order
public record Result(ModelFacts model, Setup setup, Level level, Workload workload, Footprint footprint, Instant time,
                     List<Sample> samples) implements Measurement {

    public Result {
        samples = List.copyOf(samples);
        if (samples.isEmpty()) {
            throw new IllegalArgumentException("a result needs at least one run");
        }
    }

    /// The mean of a number over the runs.
    double mean(ToDoubleFunction<Sample> number) {
        return samples.stream().mapToDouble(number).average().orElseThrow();
    }

    /// The mean of a number of the runs' windows; empty where some run had none.
    OptionalDouble windowMean(ToDoubleFunction<Window> number) {
        return samples.stream().allMatch(sample -> sample.generation().isPresent())
                ? OptionalDouble.of(mean(sample -> number.applyAsDouble(sample.generation().orElseThrow()))) : OptionalDouble.empty();
    }

    /// The deviation that the runs show of all possible ones; 0 for a single run.
    double deviation(ToDoubleFunction<Sample> number) {
        if (samples.size() == 1) {
            return 0;
        }
        double mean = mean(number);
        double squares = samples.stream().mapToDouble(sample -> Math.pow(number.applyAsDouble(sample) - mean, 2)).sum();
        return Math.sqrt(squares / (samples.size() - 1));
    }
}
