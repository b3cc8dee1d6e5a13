package io.llatte;

/// An allocation was refused, by a budget before anything was touched or by the device itself.
public final class InsufficientMemoryException extends LlatteException {

    private static final long serialVersionUID = 1L;

    private final String device;
    private final long requestedBytes;
    private final long availableBytes;

    /// @param device the device's name, or "" where llama.cpp does not say
    /// @param requestedBytes what was asked for, or -1 where llama.cpp does not say
    /// @param availableBytes what there was, or -1 where llama.cpp does not say
    public InsufficientMemoryException(String message, String device, long requestedBytes, long availableBytes) {
        super(message);
        this.device = device;
        this.requestedBytes = requestedBytes;
        this.availableBytes = availableBytes;
    }

    /// The device's name, or "" where unknown.
    public String device() {
        return device;
    }

    /// What was asked for, or -1 where unknown.
    public long requestedBytes() {
        return requestedBytes;
    }

    /// What there was, or -1 where unknown.
    public long availableBytes() {
        return availableBytes;
    }
}
