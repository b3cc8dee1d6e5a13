package io.llatte.demo.bench;

/// A program that did not do what it was asked for. What it gave before is no part of the comparison.
///
/// @param level ours
/// @param rival theirs
/// @param message why
public record FailedRival(Level level, String rival, String message) implements ComparisonRow {
}
