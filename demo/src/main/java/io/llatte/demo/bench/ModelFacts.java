package io.llatte.demo.bench;

import io.llatte.llama.Gguf;
import java.nio.file.Path;
import java.util.Locale;
import java.util.Map;
import java.util.stream.Collectors;

/// What a table says of a model.
///
/// @param type architecture, size class, and the number format of most of its bytes
/// @param sizeBytes bytes of all tensors
/// @param parameters number of weights
public record ModelFacts(String type, long sizeBytes, long parameters) {

    private static final double BILLION = 1e9;

    /// Reads a file's header.
    public static ModelFacts of(Path file) {
        Gguf gguf = Gguf.read(file);
        Map<String, Long> bytesByType = gguf.tensors().stream()
                .collect(Collectors.groupingBy(Gguf.Tensor::type, Collectors.summingLong(Gguf.Tensor::sizeBytes)));
        String format = bytesByType.entrySet().stream().max(Map.Entry.comparingByValue()).map(Map.Entry::getKey).orElse("");
        return new ModelFacts(gguf.architecture() + " " + count(gguf.parameterCount()) + " " + format.toUpperCase(Locale.ROOT),
                bytesByType.values().stream().mapToLong(Long::longValue).sum(), gguf.parameterCount());
    }

    /// As in `254M` and `8.03B`.
    static String count(long parameters) {
        return parameters < BILLION ? Math.round(parameters / 1e6) + "M" : String.format(Locale.ROOT, "%.2fB", parameters / BILLION);
    }
}
