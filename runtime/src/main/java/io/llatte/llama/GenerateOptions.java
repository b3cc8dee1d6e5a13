package io.llatte.llama;

import java.util.List;
import java.util.Objects;
import java.util.OptionalInt;

/// When a generation ends, and what its text shows.
///
/// @param maxTokens at most so many tokens; the context's end is a limit too
/// @param ignoreEog whether to go on after an end-of-generation token, as a benchmark does
/// @param stop texts that end the generation; they are not part of its text
/// @param showSpecial whether control tokens appear in the text by their names
/// @param speculation what guesses ahead of the model, if anything does
/// @param topLogprobs whether tokens say how probable the model found them, with so many alternatives, 0 to [Logprobs#MAX_ALTERNATIVES]
public record GenerateOptions(int maxTokens, boolean ignoreEog, List<String> stop, boolean showSpecial, Speculation speculation,
                              OptionalInt topLogprobs) {

    public GenerateOptions {
        if (maxTokens < 0) {
            throw new IllegalArgumentException("maxTokens must not be negative: " + maxTokens);
        }
        stop = List.copyOf(stop);
        if (stop.stream().anyMatch(String::isEmpty)) {
            throw new IllegalArgumentException("a stop string must not be empty");
        }
        Objects.requireNonNull(speculation, "speculation");
        Logprobs.check(topLogprobs);
    }

    /// Until the model or the context ends.
    public static GenerateOptions defaults() {
        return builder().build();
    }

    public static Builder builder() {
        return new Builder();
    }

    /// Collects options; see the record's parameters.
    public static final class Builder {

        private int maxTokens = Integer.MAX_VALUE;
        private boolean ignoreEog;
        private List<String> stop = List.of();
        private boolean showSpecial;
        private Speculation speculation = Speculation.none();
        private OptionalInt topLogprobs = OptionalInt.empty();

        private Builder() {
        }

        public Builder maxTokens(int value) {
            maxTokens = value;
            return this;
        }

        public Builder ignoreEog(boolean value) {
            ignoreEog = value;
            return this;
        }

        public Builder stop(List<String> value) {
            stop = value;
            return this;
        }

        public Builder showSpecial(boolean value) {
            showSpecial = value;
            return this;
        }

        public Builder speculation(Speculation value) {
            speculation = value;
            return this;
        }

        public Builder topLogprobs(int value) {
            topLogprobs = OptionalInt.of(value);
            return this;
        }

        public GenerateOptions build() {
            return new GenerateOptions(maxTokens, ignoreEog, stop, showSpecial, speculation, topLogprobs);
        }
    }
}
