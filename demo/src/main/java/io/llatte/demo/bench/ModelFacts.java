package io.llatte.demo.bench;

import io.llatte.llama.Model;
import io.llatte.llama.ModelInfo;
import io.llatte.llama.ModelOptions;
import io.llatte.memory.DeviceArena;
import java.nio.file.Path;
import java.util.Locale;

/// What a table says of a model.
///
/// @param type architecture, size class and number format
/// @param sizeBytes bytes of all tensors
/// @param parameters number of weights
public record ModelFacts(String type, long sizeBytes, long parameters) {

    private static final double BILLION = 1e9;

    /// Reads a file's header and vocabulary.
    public static ModelFacts of(Path file) {
        try (var arena = DeviceArena.open(); var model = Model.load(file, ModelOptions.builder().vocabularyOnly(true).build(), arena)) {
            ModelInfo info = model.info();
            return new ModelFacts(info.architecture() + " " + count(info.parameterCount()) + " " + info.quantization(), info.sizeBytes(),
                    info.parameterCount());
        }
    }

    /// As in `254M` and `8.03B`.
    static String count(long parameters) {
        return parameters < BILLION ? Math.round(parameters / 1e6) + "M" : String.format(Locale.ROOT, "%.2fB", parameters / BILLION);
    }
}
