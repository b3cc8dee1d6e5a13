package io.llatte.engine;

/// Hears of a load, on the thread that loads.
public interface LoadObserver {

    /// Hears of nothing.
    LoadObserver NONE = new LoadObserver() { };

    /// How much of the weights is loaded, from 0 to 1; it starts again after a fallback.
    ///
    /// @return whether to go on; `false` cancels the load
    default boolean progress(double fraction) {
        return true;
    }

    /// A step down, before what is below is tried.
    default void fallback(Fallback step) {
    }
}
