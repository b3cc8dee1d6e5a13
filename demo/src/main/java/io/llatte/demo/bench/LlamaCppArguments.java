package io.llatte.demo.bench;

import io.llatte.llama.FlashAttention;
import java.util.List;

/// A setup as llama.cpp's programs are told it.
final class LlamaCppArguments {

    private LlamaCppArguments() {
    }

    /// What all of them understand.
    static List<String> of(Setup setup) {
        return List.of("-m", setup.model().toString(), "-ngl", String.valueOf(setup.gpuLayers()), "-t", String.valueOf(setup.threads()),
                "-b", String.valueOf(setup.batchSize()), "-ub", String.valueOf(Math.min(setup.microBatchSize(), setup.batchSize())),
                "-ctk", ResultTable.lowerCase(setup.keyType()), "-ctv", ResultTable.lowerCase(setup.valueType()),
                "-fa", word(setup.flashAttention()));
    }

    /// What those understand that keep several sequences. Equal parts are their default.
    static List<String> cache(Setup setup) {
        return setup.unifiedKv() ? List.of("-kvu") : List.of();
    }

    private static String word(FlashAttention flashAttention) {
        return switch (flashAttention) {
            case AUTO -> "auto";
            case DISABLED -> "off";
            case ENABLED -> "on";
        };
    }

    /// llama.cpp's number of it.
    static int flashAttention(FlashAttention flashAttention) {
        return switch (flashAttention) {
            case AUTO -> -1;
            case DISABLED -> 0;
            case ENABLED -> 1;
        };
    }
}
