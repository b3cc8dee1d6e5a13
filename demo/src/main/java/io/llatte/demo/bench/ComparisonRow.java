package io.llatte.demo.bench;

/// What a comparison says of a level of this library and a program of llama.cpp's.
public sealed interface ComparisonRow permits RatioRow, NoRatio, FailedRival {

    /// Ours.
    Level level();

    /// Theirs.
    String rival();
}
