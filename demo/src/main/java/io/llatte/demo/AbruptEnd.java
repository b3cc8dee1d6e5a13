package io.llatte.demo;

/// While it is open, an interrupt ends the process at once and leaves the clean-up of native libraries out: compute threads that still run
/// would crash in what was cleaned up.
final class AbruptEnd implements AutoCloseable {

    private final Thread hook;

    /// @param before what must be done all the same
    AbruptEnd(Runnable before) {
        hook = new Thread(() -> {
            before.run();
            Runtime.getRuntime().halt(Failures.INTERRUPTED);
        });
        Runtime.getRuntime().addShutdownHook(hook);
    }

    @Override
    public void close() {
        try {
            Runtime.getRuntime().removeShutdownHook(hook);
        } catch (IllegalStateException ending) {
            // The hook runs already, and is the end of everything.
        }
    }
}
