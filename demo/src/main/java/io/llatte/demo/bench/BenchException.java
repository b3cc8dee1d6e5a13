package io.llatte.demo.bench;

/// A measurement cannot be made; the message is what the user reads.
public final class BenchException extends RuntimeException {

    private static final long serialVersionUID = 1L;

    BenchException(String message) {
        super(message);
    }
}
