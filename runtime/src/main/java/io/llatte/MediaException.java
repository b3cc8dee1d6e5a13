package io.llatte;

/// A picture or a sound is broken, too large, of no known format, or not for this model.
public final class MediaException extends LlatteException {

    private static final long serialVersionUID = 1L;

    public MediaException(String message) {
        super(message);
    }

    public MediaException(String message, Throwable cause) {
        super(message, cause);
    }
}
