package io.llatte;

/// Speculative decoding cannot be done: the draft model has another vocabulary, the cache cannot be cut, or the model has no layers for it. The
/// same generation without speculation can.
public final class SpeculationException extends LlatteException {

    private static final long serialVersionUID = 1L;

    public SpeculationException(String message) {
        super(message);
    }
}
