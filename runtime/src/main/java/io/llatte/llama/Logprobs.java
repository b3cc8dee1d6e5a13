package io.llatte.llama;

import io.llatte.internal.ffi.NativeLogprobs;
import java.util.List;
import java.util.Objects;
import java.util.OptionalInt;

/// How probable the model found a token that was generated, and what it found most probable in its place: by the logits as they were computed, over
/// the whole vocabulary. Temperature, penalties, biases, grammars and cuts chose the token, and are not in these numbers.
///
/// @param token the token itself
/// @param alternatives the most probable tokens, the best first, as many as were asked for (fewer where fewer are possible); the token is among
///        them if it is one of those
public record Logprobs(TokenLogprob token, List<TokenLogprob> alternatives) {

    /// How many alternatives can be asked for.
    public static final int MAX_ALTERNATIVES = 20;

    public Logprobs {
        Objects.requireNonNull(token, "token");
        alternatives = List.copyOf(alternatives);
    }

    /// Checks an option.
    ///
    /// @param alternatives empty for no log-probabilities at all
    /// @throws IllegalArgumentException if it is not from 0 to [#MAX_ALTERNATIVES]
    public static OptionalInt check(OptionalInt alternatives) {
        int count = alternatives.orElse(0);
        if (count < 0 || count > MAX_ALTERNATIVES) {
            throw new IllegalArgumentException("topLogprobs must be 0 to %d: %d".formatted(MAX_ALTERNATIVES, count));
        }
        return alternatives;
    }

    static Logprobs of(NativeLogprobs found, int index, int id, Vocab vocab) {
        var alternatives = new TokenLogprob[found.count(index)];
        for (int place = 0; place < alternatives.length; place++) {
            int other = found.id(index, place);
            alternatives[place] = new TokenLogprob(other, vocab.piece(other, true), found.logprob(index, place));
        }
        return new Logprobs(new TokenLogprob(id, vocab.piece(id, true), found.chosen(index)), List.of(alternatives));
    }
}
