package io.llatte.demo;

/// Whoever read standard output has gone, as `head` does.
final class BrokenPipeException extends RuntimeException {

    private static final long serialVersionUID = 1L;

    BrokenPipeException() {
        super("standard output is closed");
    }
}
