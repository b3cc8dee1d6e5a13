package io.llatte.llama;

import java.util.Objects;
import java.util.Optional;

/// A generated token.
///
/// @param id its id
/// @param text the characters that became complete with it; "" while a character, or what may become a stop string, is incomplete
/// @param logprobs how probable the model found it, where that was asked for
public record Token(int id, String text, Optional<Logprobs> logprobs) {

    public Token {
        Objects.requireNonNull(text, "text");
        Objects.requireNonNull(logprobs, "logprobs");
    }

    /// A token without log-probabilities.
    public Token(int id, String text) {
        this(id, text, Optional.empty());
    }

    /// The same token with another text.
    public Token withText(String newText) {
        return new Token(id, newText, logprobs);
    }
}
