package io.llatte;

/// The engine was closed while a request was waiting or running.
public final class EngineClosedException extends LlatteException {

    private static final long serialVersionUID = 1L;

    public EngineClosedException(String message) {
        super(message);
    }

    public EngineClosedException(String message, Throwable cause) {
        super(message, cause);
    }
}
