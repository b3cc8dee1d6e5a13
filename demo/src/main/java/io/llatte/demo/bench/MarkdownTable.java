package io.llatte.demo.bench;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.stream.IntStream;

/// A table in Markdown whose columns line up in a terminal too.
final class MarkdownTable {

    /// A number that there is none of.
    static final String NONE = "-";

    /// What Markdown wants under a header: `--:`.
    private static final int LEAST_WIDTH = 3;

    private final List<String> headers;
    private final List<List<String>> rows = new ArrayList<>();

    MarkdownTable(List<String> headers) {
        this.headers = List.copyOf(headers);
    }

    MarkdownTable add(List<String> row) {
        if (row.size() != headers.size()) {
            throw new IllegalArgumentException("%d cells in a table of %d columns".formatted(row.size(), headers.size()));
        }
        rows.add(List.copyOf(row));
        return this;
    }

    /// A number as all tables show it.
    static String number(double value) {
        return String.format(Locale.ROOT, "%.2f", value);
    }

    @Override
    public String toString() {
        int[] widths = IntStream.range(0, headers.size()).map(this::width).toArray();
        var text = new StringBuilder();
        appendRow(text, headers, widths);
        for (int column = 0; column < widths.length; column++) {
            boolean number = isNumber(column);
            text.append("| ").append("-".repeat(number ? widths[column] - 1 : widths[column])).append(number ? ": " : " ");
        }
        text.append("|\n");
        rows.forEach(row -> appendRow(text, row, widths));
        return text.toString();
    }

    private int width(int column) {
        int widest = rows.stream().mapToInt(row -> row.get(column).length()).max().orElse(0);
        return Math.max(LEAST_WIDTH, Math.max(headers.get(column).length(), widest));
    }

    private void appendRow(StringBuilder text, List<String> cells, int[] widths) {
        for (int column = 0; column < widths.length; column++) {
            String padding = " ".repeat(widths[column] - cells.get(column).length());
            text.append("| ").append(isNumber(column) ? padding + cells.get(column) : cells.get(column) + padding).append(' ');
        }
        text.append("|\n");
    }

    /// Columns of numbers, of numbers with units and of [#NONE] are aligned to the right.
    private boolean isNumber(int column) {
        return !rows.isEmpty() && rows.stream().allMatch(row -> row.get(column).matches("-|-?\\d.*"));
    }
}
