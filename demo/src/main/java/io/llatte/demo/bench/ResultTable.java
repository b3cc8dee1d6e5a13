package io.llatte.demo.bench;

import io.llatte.llama.FlashAttention;
import io.llatte.llama.KvType;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.OptionalDouble;
import java.util.function.DoubleFunction;
import java.util.function.Function;
import java.util.function.ToDoubleFunction;
import java.util.stream.Stream;

/// Results as the tables that `llama-bench` and `llama-batched-bench` print, with a column for the level.
public final class ResultTable {

    private static final double GIB = 1L << 30;
    private static final double MIB = 1L << 20;

    /// A column of what was measured; shown always, or only where it is not the same for all or not what it usually is.
    private record Column<R>(String header, Function<? super R, String> cell, String usual) {

        boolean isShown(List<? extends R> results) {
            return usual == null || results.stream().anyMatch(result -> !cell.apply(result).equals(usual));
        }
    }

    private static final List<Column<Measurement>> SETUP = List.of(
            new Column<>("model", result -> result.model().type(), null),
            new Column<>("size", result -> size(result.model().sizeBytes()), null),
            new Column<>("params", result -> ModelFacts.count(result.model().parameters()), null),
            new Column<>("backend", result -> Machine.backend(result.setup()), null),
            new Column<>("ngl", result -> String.valueOf(result.setup().gpuLayers()), "-1"),
            new Column<>("threads", result -> String.valueOf(result.setup().threads()), null),
            new Column<>("n_batch", result -> String.valueOf(result.setup().batchSize()), "2048"),
            new Column<>("n_ubatch", result -> String.valueOf(result.setup().microBatchSize()), "512"),
            new Column<>("type_k", result -> lowerCase(result.setup().keyType()), lowerCase(KvType.F16)),
            new Column<>("type_v", result -> lowerCase(result.setup().valueType()), lowerCase(KvType.F16)),
            new Column<>("fa", result -> lowerCase(result.setup().flashAttention()), lowerCase(FlashAttention.AUTO)),
            new Column<>("kvu", result -> result.setup().unifiedKv() ? "on" : "off", "off"),
            new Column<>("level", result -> result.level().toString(), null),
            new Column<>("KV", result -> size(result.footprint().kvCacheBytes()), null),
            new Column<>("compute", result -> size(result.footprint().computeBytes()), null));

    private static final List<Column<Result>> TEST = List.of(
            new Column<>("test", result -> result.workload().name(), null),
            new Column<>("t/s", ResultTable::meanAndDeviation, null));

    private static final List<Column<Result>> BATCH = List.of(
            new Column<>("PP", result -> String.valueOf(result.workload().promptTokens()), null),
            new Column<>("TG", result -> String.valueOf(result.workload().generatedTokens()), null),
            new Column<>("B", result -> String.valueOf(result.workload().sequences()), null),
            new Column<>("N_KV", result -> String.valueOf(result.workload().length() * result.workload().sequences()), null),
            new Column<>("T_PP s", result -> seconds(result.mean(Sample::promptNanos)), null),
            new Column<>("S_PP t/s", result -> MarkdownTable.number(result.mean(Sample::promptRate)), null),
            new Column<>("T_TG s", result -> window(result, Window::nanos, ResultTable::seconds), null),
            new Column<>("S_TG t/s", result -> window(result, Window::rate, MarkdownTable::number), null),
            new Column<>("T s", result -> seconds(result.mean(Sample::totalNanos)), null),
            new Column<>("S t/s", result -> MarkdownTable.number(result.mean(Sample::rate)), null));

    private static final List<Column<JoinResult>> JOIN = Stream.concat(Stream.of(
            new Column<JoinResult>("PP", result -> String.valueOf(result.workload().promptTokens()), null),
            new Column<JoinResult>("B", result -> String.valueOf(result.workload().sequences()), null),
            new Column<JoinResult>("join", result -> String.valueOf(result.workload().joiningTokens()), null)),
            JoinFigure.ALL.stream().filter(figure -> figure.header() != null)
                    .map(figure -> new Column<JoinResult>(figure.header(), result -> number(figure.value().apply(result)), null))).toList();

    private ResultTable() {
    }

    /// A row for each result, as `llama-bench` has it.
    public static String ofTests(List<Result> results) {
        return table(results, TEST);
    }

    /// A row for each result, as `llama-batched-bench` has it.
    public static String ofBatches(List<Result> results) {
        return table(results, BATCH);
    }

    /// A row for each join.
    public static String ofJoins(List<JoinResult> results) {
        return table(results, JOIN);
    }

    private static <R extends Measurement> String table(List<R> results, List<Column<R>> measured) {
        List<Column<? super R>> columns = new ArrayList<>(SETUP.stream().filter(column -> column.isShown(results)).toList());
        columns.addAll(measured);
        var table = new MarkdownTable(columns.stream().map(Column::header).toList());
        for (R result : results) {
            List<String> cells = new ArrayList<>();
            columns.forEach(column -> cells.add(column.cell().apply(result)));
            table.add(cells);
        }
        return table.toString();
    }

    private static String number(OptionalDouble value) {
        return value.isPresent() ? MarkdownTable.number(value.getAsDouble()) : MarkdownTable.NONE;
    }

    private static String meanAndDeviation(Result result) {
        return MarkdownTable.number(result.mean(Sample::rate)) + " ± " + MarkdownTable.number(result.deviation(Sample::rate));
    }

    private static String window(Result result, ToDoubleFunction<Window> number, DoubleFunction<String> text) {
        OptionalDouble mean = result.windowMean(number);
        return mean.isPresent() ? text.apply(mean.getAsDouble()) : MarkdownTable.NONE;
    }

    private static String size(long bytes) {
        return bytes < GIB ? MarkdownTable.number(bytes / MIB) + " MiB" : MarkdownTable.number(bytes / GIB) + " GiB";
    }

    private static String seconds(double nanos) {
        return String.format(Locale.ROOT, "%.3f", nanos / 1e9);
    }

    static String lowerCase(Enum<?> constant) {
        return constant.name().toLowerCase(Locale.ROOT);
    }
}
