package io.llatte.demo.bench;

/// With what something was measured: what every table says first.
sealed interface Measurement permits Result, JoinResult {

    ModelFacts model();

    Setup setup();

    Level level();

    Footprint footprint();
}
