package io.llatte.demo.bench;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import java.util.List;

/// A comparison, as a table and as an array of objects.
public final class RatioTable {

    private RatioTable() {
    }

    /// A table with a line above it that says what was measured.
    public static String text(Setup setup, List<RatioRow> rows) {
        ModelFacts model = ModelFacts.of(setup.model());
        var table = new MarkdownTable(List.of("llatte", "llama.cpp", "test", "llatte t/s", "llama.cpp t/s", "ratio", "least", "most"));
        for (RatioRow row : rows) {
            table.add(List.of(row.level().toString(), row.rival(), row.test(), MarkdownTable.number(row.ours()), MarkdownTable.number(row.theirs()),
                    MarkdownTable.number(row.ratio()), MarkdownTable.number(row.least()), MarkdownTable.number(row.most())));
        }
        return "%s, %s, %s, %d threads%s%n%n%s".formatted(setup.model().getFileName(), model.type(), Machine.backend(setup), setup.threads(),
                setup.unifiedKv() ? ", one cache for all sequences" : "", table);
    }

    /// An object for each row.
    public static ArrayNode json(Setup setup, List<RatioRow> rows) {
        ArrayNode array = new ObjectMapper().createArrayNode();
        for (RatioRow row : rows) {
            array.addObject().put("model_filename", setup.model().toString()).put("backends", Machine.backend(setup))
                    .put("n_threads", setup.threads())
                    .put("kv_unified", setup.unifiedKv()).put("level", row.level().toString()).put("rival", row.rival()).put("test", row.test())
                    .put("ts", row.ours()).put("rival_ts", row.theirs()).put("ratio", row.ratio()).put("ratio_min", row.least())
                    .put("ratio_max", row.most());
        }
        return array;
    }
}
