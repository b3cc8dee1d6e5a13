package io.llatte;

/// A model file could not be fetched or verified. What was downloaded so far is kept for the next try where it is sound.
public final class DownloadException extends LlatteException {

    private static final long serialVersionUID = 1L;

    public DownloadException(String message) {
        super(message);
    }

    public DownloadException(String message, Throwable cause) {
        super(message, cause);
    }
}
