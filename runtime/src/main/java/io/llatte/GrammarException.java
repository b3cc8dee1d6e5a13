package io.llatte;

/// A grammar or JSON schema could not be parsed, or leaves no token to choose.
public final class GrammarException extends LlatteException {

    private static final long serialVersionUID = 1L;

    public GrammarException(String message) {
        super(message);
    }

    public GrammarException(String message, Throwable cause) {
        super(message, cause);
    }
}
