package io.llatte.engine;

/// A step down from where a model was to run.
///
/// @param from what could not be done
/// @param to what was tried next
/// @param reason why, with numbers
public record Fallback(PlacementTarget from, PlacementTarget to, String reason) {
}
