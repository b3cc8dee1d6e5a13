package io.llatte.engine;

import java.nio.file.Path;

/// What changes a model for a request: a LoRA adapter's file or a control vector's, and how much of it.
///
/// @param file the GGUF; absolute
/// @param scale 1 is as it was trained, 0 none of it; negative numbers turn it around
public record Adapter(Path file, float scale) {

    public Adapter {
        file = file.toAbsolutePath().normalize();
        if (!Float.isFinite(scale)) {
            throw new IllegalArgumentException("an adapter's scale must be a number: " + scale);
        }
    }

    /// An adapter as it was trained.
    public static Adapter of(Path file) {
        return new Adapter(file, 1);
    }

    public static Adapter of(Path file, float scale) {
        return new Adapter(file, scale);
    }
}
