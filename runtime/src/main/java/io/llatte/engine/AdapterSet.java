package io.llatte.engine;

import io.llatte.llama.AdapterUse;
import io.llatte.llama.Context;
import io.llatte.llama.ControlVector;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;

/// What changes the model for some requests, loaded. Two sets are the same where they have the same files and scales.
///
/// @param adapters what they are made of, in the order of their files
/// @param loras the LoRA adapters
/// @param vector the sum of the control vectors
record AdapterSet(List<Adapter> adapters, List<AdapterUse> loras, Optional<ControlVector> vector) {

    /// The model as it is.
    static final AdapterSet NONE = new AdapterSet(List.of(), List.of(), Optional.empty());

    boolean has(Path file) {
        return adapters.stream().anyMatch(adapter -> adapter.file().equals(file));
    }

    void applyTo(Context context) {
        context.setAdapters(loras);
        context.setControlVector(vector);
    }

    @Override
    public boolean equals(Object other) {
        return this == other || other instanceof AdapterSet set && set.adapters.equals(adapters);
    }

    @Override
    public int hashCode() {
        return adapters.hashCode();
    }
}
