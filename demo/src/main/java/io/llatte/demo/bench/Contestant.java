package io.llatte.demo.bench;

import java.util.List;
import java.util.Set;

/// Somebody who does a task: a level of this library, or a program of llama.cpp's.
interface Contestant {

    /// What it is called.
    String name();

    /// The levels of this library that do the same work as it, or more on top of it; a level itself is its own only one.
    Set<Level> levels();

    /// Loads the model, warms up, does each workload once, and lets everything go again.
    ///
    /// @throws BenchException if it fails
    List<Rate> round();
}
