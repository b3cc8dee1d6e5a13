package io.llatte.engine;

/// How many tokens a context holds, over all its sequences.
public sealed interface ContextSize {

    /// The shortest that [#fit()] settles for.
    int LEAST = 512;

    /// So many; 4096 unless said otherwise, and never more than its sequences can use, by what the model was trained for.
    ///
    /// @param tokens at least 1
    record AtMost(int tokens) implements ContextSize {
        public AtMost {
            checkPositive(tokens);
        }
    }

    /// Exactly so many, beyond the training length too.
    ///
    /// @param tokens at least 1
    record Exactly(int tokens) implements ContextSize {
        public Exactly {
            checkPositive(tokens);
        }
    }

    /// As many as its sequences can use, by what the model was trained for.
    record Training() implements ContextSize {
    }

    /// As many as fit into what is free and within the budget, up to what its sequences can use, and at least [#LEAST].
    record Fit() implements ContextSize {
    }

    static ContextSize standard() {
        return new AtMost(4096);
    }

    static ContextSize of(int tokens) {
        return new Exactly(tokens);
    }

    static ContextSize training() {
        return new Training();
    }

    static ContextSize fit() {
        return new Fit();
    }

    private static void checkPositive(int tokens) {
        if (tokens < 1) {
            throw new IllegalArgumentException("a context needs at least 1 token: " + tokens);
        }
    }
}
