package io.llatte.llama;

import java.util.Objects;
import java.util.OptionalInt;

/// Whether a model thinks before it answers, and for how long. Only templates that know reasoning can be told.
///
/// @param enabled whether the template asks for it
/// @param budget at most so many tokens, 0 or more; then the model is made to go on to its answer. Empty for any number
/// @param message what is written in the model's name before reasoning ends at its budget, or ""
public record ReasoningOptions(boolean enabled, OptionalInt budget, String message) {

    public ReasoningOptions {
        if (budget.isPresent() && budget.getAsInt() < 0) {
            throw new IllegalArgumentException("the reasoning budget must not be negative: " + budget.getAsInt());
        }
        Objects.requireNonNull(message, "message");
    }

    /// As long as the model wants.
    public static ReasoningOptions on() {
        return new ReasoningOptions(true, OptionalInt.empty(), "");
    }

    /// None.
    public static ReasoningOptions off() {
        return new ReasoningOptions(false, OptionalInt.empty(), "");
    }

    /// At most so many tokens.
    public static ReasoningOptions budget(int tokens) {
        return new ReasoningOptions(true, OptionalInt.of(tokens), "");
    }
}
