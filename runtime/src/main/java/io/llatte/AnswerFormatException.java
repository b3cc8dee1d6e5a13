package io.llatte;

/// A text is not what its Java type asks for: no JSON, or other JSON. The message says where.
public final class AnswerFormatException extends LlatteException {

    private static final long serialVersionUID = 1L;

    public AnswerFormatException(String message) {
        super(message);
    }

    public AnswerFormatException(String message, Throwable cause) {
        super(message, cause);
    }
}
