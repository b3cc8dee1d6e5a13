package io.llatte.demo.bench;

/// A test that one side has no rate of, as its streams had too little time together.
///
/// @param level ours
/// @param rival theirs
/// @param test at what
public record NoRatio(Level level, String rival, String test) implements ComparisonRow {
}
