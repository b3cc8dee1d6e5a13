package io.llatte;

/// The native library, or a backend that was asked for, cannot be used. The message lists every path tried and what to set.
public final class BackendUnavailableException extends LlatteException {

    private static final long serialVersionUID = 1L;

    public BackendUnavailableException(String message) {
        super(message);
    }

    public BackendUnavailableException(String message, Throwable cause) {
        super(message, cause);
    }
}
