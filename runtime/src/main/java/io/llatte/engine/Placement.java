package io.llatte.engine;

import io.llatte.llama.ContextOptions;
import io.llatte.llama.ModelOptions;
import io.llatte.memory.MemoryPlan;

/// One way to load a model on this machine, which fits.
///
/// @param target GPU or CPU
/// @param modelOptions how the model is loaded
/// @param contextOptions how its context is made
/// @param plan the bytes that it takes
/// @param layers the model's layers, the output layer counted as one
record Placement(PlacementTarget target, ModelOptions modelOptions, ContextOptions contextOptions, MemoryPlan plan, int layers) {
}
