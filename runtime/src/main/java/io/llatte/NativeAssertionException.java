package io.llatte;

/// llama.cpp failed an assertion or threw. The process lives on; the context that it happened in can only be closed.
public final class NativeAssertionException extends LlatteException {

    private static final long serialVersionUID = 1L;

    public NativeAssertionException(String message) {
        super(message);
    }

    public NativeAssertionException(String message, Throwable cause) {
        super(message, cause);
    }
}
