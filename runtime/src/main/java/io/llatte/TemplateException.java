package io.llatte;

/// A chat template is missing, cannot be parsed, or failed on this conversation.
public final class TemplateException extends LlatteException {

    private static final long serialVersionUID = 1L;

    public TemplateException(String message) {
        super(message);
    }

    public TemplateException(String message, Throwable cause) {
        super(message, cause);
    }
}
