package io.llatte;

/// More tokens than the context has room for. The context is as it was before the call.
public final class ContextOverflowException extends LlatteException {

    private static final long serialVersionUID = 1L;

    private final long requestedTokens;
    private final long availableTokens;

    /// @param requestedTokens how many tokens were to be held
    /// @param availableTokens how many the context, or its free part, can hold
    public ContextOverflowException(String message, long requestedTokens, long availableTokens) {
        super(message);
        this.requestedTokens = requestedTokens;
        this.availableTokens = availableTokens;
    }

    /// How many tokens were to be held.
    public long requestedTokens() {
        return requestedTokens;
    }

    /// How many there was room for.
    public long availableTokens() {
        return availableTokens;
    }
}
