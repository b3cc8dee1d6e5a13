package io.llatte;

/// Too many requests wait already. Ask again later, or let more wait (`EngineOptions.queueLimit`).
public final class EngineBusyException extends LlatteException {

    private static final long serialVersionUID = 1L;

    private final int waiting;
    private final int limit;

    /// @param waiting how many requests wait
    /// @param limit how many may
    public EngineBusyException(String message, int waiting, int limit) {
        super(message);
        this.waiting = waiting;
        this.limit = limit;
    }

    /// How many requests wait.
    public int waiting() {
        return waiting;
    }

    /// How many may.
    public int limit() {
        return limit;
    }
}
