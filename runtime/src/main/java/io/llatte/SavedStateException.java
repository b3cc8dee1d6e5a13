package io.llatte;

/// A saved sequence state is truncated, altered, or another model's.
public final class SavedStateException extends LlatteException {

    private static final long serialVersionUID = 1L;

    public SavedStateException(String message) {
        super(message);
    }

    public SavedStateException(String message, Throwable cause) {
        super(message, cause);
    }
}
