package io.llatte;

/// llama.cpp refused or failed to evaluate a batch.
public final class DecodeException extends LlatteException {

    private static final long serialVersionUID = 1L;

    public DecodeException(String message) {
        super(message);
    }

    public DecodeException(String message, Throwable cause) {
        super(message, cause);
    }
}
