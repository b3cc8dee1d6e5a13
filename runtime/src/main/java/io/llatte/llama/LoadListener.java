package io.llatte.llama;

/// Hears how far a model's load is, on the thread that loads, and may stop it.
@FunctionalInterface
public interface LoadListener {

    /// Called with a fraction that rises from 0 to 1, about 20 times a second and once with 1 at the end.
    ///
    /// @return whether to go on; false cancels the load, which then throws [java.util.concurrent.CancellationException]
    boolean progress(double fraction);
}
