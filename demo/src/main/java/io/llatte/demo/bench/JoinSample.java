package io.llatte.demo.bench;

import java.util.ArrayList;
import java.util.List;

/// What one run of a [JoinWorkload] showed, in nanoseconds. A gap is the time between two tokens of one running stream, where they are read.
///
/// @param before gaps while nothing but the running streams was there
/// @param join gaps from the request that joins to its first token
/// @param prompt those of them whose step evaluated some of its prompt
/// @param joined time to the first token of the prompt that joined
/// @param alone the same of a prompt of that length with no other stream there
public record JoinSample(List<Long> before, List<Long> join, List<Long> prompt, long joined, long alone) {

    public JoinSample {
        before = List.copyOf(before);
        join = List.copyOf(join);
        prompt = List.copyOf(prompt);
    }

    /// What the tokens of running streams show.
    ///
    /// @param streams their arrivals
    /// @param asked when the joining request was made
    /// @param admitted when its prompt began to be evaluated
    /// @param first when its first token came
    static JoinSample of(List<StreamTimes> streams, long asked, long admitted, long first, long alone) {
        long allRun = streams.stream().mapToLong(StreamTimes::first).max().orElseThrow();
        List<Long> before = new ArrayList<>();
        List<Long> join = new ArrayList<>();
        List<Long> prompt = new ArrayList<>();
        for (StreamTimes stream : streams) {
            long[] arrivals = stream.arrivals();
            for (int i = 1; i < arrivals.length; i++) {
                long gap = arrivals[i] - arrivals[i - 1];
                // The first token of the prompt comes with a token of each stream, and readers wake in any order: a gap belongs where its middle is.
                long middle = arrivals[i - 1] + gap / 2;
                if (arrivals[i - 1] >= allRun && arrivals[i] <= asked) {
                    before.add(gap);
                } else if (arrivals[i] > asked && middle < first) {
                    join.add(gap);
                    if (middle > admitted) {
                        prompt.add(gap);
                    }
                }
            }
        }
        return new JoinSample(before, join, prompt, first - asked, alone);
    }
}
