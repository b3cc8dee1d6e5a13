package io.llatte;

/// A model file is missing, broken or unsupported. Nothing stays loaded of it.
public final class ModelLoadException extends LlatteException {

    private static final long serialVersionUID = 1L;

    public ModelLoadException(String message) {
        super(message);
    }

    public ModelLoadException(String message, Throwable cause) {
        super(message, cause);
    }
}
