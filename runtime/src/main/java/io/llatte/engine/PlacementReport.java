package io.llatte.engine;

import java.util.List;

/// Where a model runs, and why there.
///
/// @param policy what was asked for
/// @param target where it runs
/// @param devices the devices that hold parts of it, by name; empty for [PlacementTarget#REMOTE]
/// @param gpuLayers layers on GPUs, the output layer counted as one
/// @param layers the model's layers, the output layer counted as one; 0 where that is not known
/// @param contextLength tokens of its context; 0 where that is not known
/// @param fallbacks each step down, in order
public record PlacementReport(PlacementPolicy policy, PlacementTarget target, List<String> devices, int gpuLayers, int layers, int contextLength,
                              List<Fallback> fallbacks) {

    public PlacementReport {
        devices = List.copyOf(devices);
        fallbacks = List.copyOf(fallbacks);
    }
}
