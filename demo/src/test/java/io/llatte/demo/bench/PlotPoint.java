package io.llatte.demo.bench;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.OptionalDouble;
import java.util.Set;

/// What a plot takes from a row of `llatte bench --parallel … -o json`.
///
/// @param level through how much of the library
/// @param sequences how many there were
/// @param context tokens of each of them, prompt and answer
/// @param tokensPerSecond what they generated together; empty where the row has no rate
/// @param bytes of KV cache and compute buffers
record PlotPoint(String level, int sequences, int context, OptionalDouble tokensPerSecond, long bytes) {

    /// Reads the rows of some files.
    ///
    /// @throws IllegalArgumentException if a file holds anything else, or two rows are of the same level, sequences and context
    static List<PlotPoint> read(List<Path> files) throws IOException {
        List<PlotPoint> points = new ArrayList<>();
        Set<List<Object>> seen = new HashSet<>();
        for (Path file : files) {
            JsonNode rows = new ObjectMapper().readTree(Files.readAllBytes(file));
            for (JsonNode row : rows) {
                PlotPoint point = of(row, file);
                if (!seen.add(List.of(point.level, point.sequences, point.context))) {
                    throw new IllegalArgumentException("%s: a second row of level %s, %d sequences and %d tokens each; a plot shows one setup"
                            .formatted(file, point.level, point.sequences, point.context));
                }
                points.add(point);
            }
        }
        return points;
    }

    private static PlotPoint of(JsonNode row, Path file) {
        for (String field : List.of("level", "pl", "pp", "tg", "kv_cache_bytes", "compute_bytes")) {
            if (!row.has(field)) {
                throw new IllegalArgumentException("%s: a row without '%s' is none of bench --parallel: %s".formatted(file, field,
                        PrintedResult.shortened(row.toString())));
            }
        }
        OptionalDouble rate = row.has("speed_tg") ? OptionalDouble.of(row.get("speed_tg").asDouble()) : OptionalDouble.empty();
        return new PlotPoint(row.get("level").asText(), row.get("pl").asInt(), row.get("pp").asInt() + row.get("tg").asInt(), rate,
                row.get("kv_cache_bytes").asLong() + row.get("compute_bytes").asLong());
    }
}
