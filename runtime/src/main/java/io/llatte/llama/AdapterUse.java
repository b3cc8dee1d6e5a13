package io.llatte.llama;

import java.util.Objects;

/// An adapter, and how much of it.
///
/// @param adapter of the context's own model
/// @param scale 1 is as it was trained, 0 none of it; negative numbers turn it around
public record AdapterUse(LoraAdapter adapter, float scale) {

    public AdapterUse {
        Objects.requireNonNull(adapter, "adapter");
        if (!Float.isFinite(scale)) {
            throw new IllegalArgumentException("an adapter's scale must be a number: " + scale);
        }
    }
}
