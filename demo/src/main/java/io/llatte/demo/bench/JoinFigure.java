package io.llatte.demo.bench;

import java.util.List;
import java.util.OptionalDouble;
import java.util.function.Function;

/// What is told of a join: a column and a field. Times are milliseconds; gaps are those of all runs.
///
/// @param header its column; null for a field alone
/// @param field its name in JSON
/// @param value what it is; empty where there was no such gap
record JoinFigure(String header, String field, Function<JoinResult, OptionalDouble> value) {

    private static final double MEDIAN = 0.5;
    private static final double P99 = 0.99;

    static final List<JoinFigure> ALL = List.of(
            new JoinFigure("gap p50 ms", "gap_before_p50_ms", result -> result.gapMillis(JoinSample::before, MEDIAN)),
            new JoinFigure("p99 ms", "gap_before_p99_ms", result -> result.gapMillis(JoinSample::before, P99)),
            new JoinFigure("join p50 ms", "gap_join_p50_ms", result -> result.gapMillis(JoinSample::join, MEDIAN)),
            new JoinFigure("join p99 ms", "gap_join_p99_ms", result -> result.gapMillis(JoinSample::join, P99)),
            new JoinFigure("p50 ratio", "gap_ratio_p50", result -> ratio(result, JoinSample::join, MEDIAN, JoinSample::before, MEDIAN)),
            new JoinFigure("p99 ratio", "gap_ratio_p99", result -> ratio(result, JoinSample::join, P99, JoinSample::before, P99)),
            new JoinFigure("prompt p50 ms", "gap_prompt_p50_ms", result -> result.gapMillis(JoinSample::prompt, MEDIAN)),
            new JoinFigure("join p99/prompt p50", "gap_join_p99_to_prompt_p50",
                    result -> ratio(result, JoinSample::join, P99, JoinSample::prompt, MEDIAN)),
            new JoinFigure(null, "gap_join_p99_to_before_p50", result -> ratio(result, JoinSample::join, P99, JoinSample::before, MEDIAN)),
            new JoinFigure("TTFT ms", "ttft_join_ms", result -> OptionalDouble.of(result.joinedMillis())),
            new JoinFigure("alone ms", "ttft_alone_ms", result -> OptionalDouble.of(result.aloneMillis())),
            new JoinFigure("TTFT ratio", "ttft_ratio", result -> OptionalDouble.of(result.firstTokenRatio())));

    private static OptionalDouble ratio(JoinResult result, Function<JoinSample, List<Long>> kind, double share,
                                        Function<JoinSample, List<Long>> otherKind, double otherShare) {
        return JoinResult.ratio(result.gapMillis(kind, share), result.gapMillis(otherKind, otherShare));
    }
}
