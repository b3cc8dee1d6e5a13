package io.llatte.demo.bench;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;

/// A comparison, as a table and as an array of objects.
public final class RatioTable {

    private RatioTable() {
    }

    /// A table with a line above it that says what was measured.
    public static String text(Setup setup, List<ComparisonRow> rows) {
        ModelFacts model = ModelFacts.of(setup.model());
        var table = new MarkdownTable(List.of("llatte", "llama.cpp", "test", "llatte t/s", "llama.cpp t/s", "ratio", "least", "most"));
        rows.forEach(row -> table.add(cells(row)));
        return "%s, %s, %s, %d threads%s%n%n%s".formatted(setup.model().getFileName(), model.type(), Machine.backend(setup), setup.threads(),
                setup.unifiedKv() ? ", one cache for all sequences" : "", table);
    }

    private static List<String> cells(ComparisonRow row) {
        return switch (row) {
            case RatioRow ratio -> List.of(row.level().toString(), row.rival(), ratio.test(), MarkdownTable.number(ratio.ours()),
                    MarkdownTable.number(ratio.theirs()), MarkdownTable.number(ratio.ratio()), MarkdownTable.number(ratio.least()),
                    MarkdownTable.number(ratio.most()));
            case NoRatio none -> withoutNumbers(row, none.test());
            case FailedRival failed -> withoutNumbers(row, "failed: " + failed.message().replace("|", "\\|"));
        };
    }

    private static List<String> withoutNumbers(ComparisonRow row, String test) {
        List<String> cells = new ArrayList<>(List.of(row.level().toString(), row.rival(), test));
        cells.addAll(Collections.nCopies(5, MarkdownTable.NONE));
        return cells;
    }

    /// An object for each row; one of a program that failed has an `error` and no figures.
    public static ArrayNode json(Setup setup, List<ComparisonRow> rows) {
        ArrayNode array = new ObjectMapper().createArrayNode();
        for (ComparisonRow row : rows) {
            ObjectNode node = array.addObject().put("model_filename", setup.model().toString()).put("backends", Machine.backend(setup))
                    .put("n_threads", setup.threads()).put("kv_unified", setup.unifiedKv()).put("level", row.level().toString())
                    .put("rival", row.rival());
            switch (row) {
                case RatioRow ratio -> node.put("test", ratio.test()).put("ts", ratio.ours()).put("rival_ts", ratio.theirs())
                        .put("ratio", ratio.ratio()).put("ratio_min", ratio.least()).put("ratio_max", ratio.most());
                case NoRatio none -> node.put("test", none.test());
                case FailedRival failed -> node.put("error", failed.message());
            }
        }
        return array;
    }
}
