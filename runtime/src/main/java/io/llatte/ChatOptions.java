package io.llatte;

import io.llatte.llama.SamplingOptions;
import java.util.List;
import java.util.Objects;

/// How an answer is made. Immutable.
///
/// @param maxTokens at most so many, at least 1; the context's end is a limit too
/// @param sampling how tokens are chosen
/// @param stop texts that end the answer and are not part of it
/// @param ignoreEog whether to go on after an end-of-generation token, as a benchmark does; a remote server is not told
public record ChatOptions(int maxTokens, SamplingOptions sampling, List<String> stop, boolean ignoreEog) {

    public ChatOptions {
        if (maxTokens < 1) {
            throw new IllegalArgumentException("maxTokens must be at least 1: " + maxTokens);
        }
        Objects.requireNonNull(sampling, "sampling");
        stop = List.copyOf(stop);
        if (stop.stream().anyMatch(String::isEmpty)) {
            throw new IllegalArgumentException("a stop string must not be empty");
        }
    }

    public static ChatOptions defaults() {
        return builder().build();
    }

    public static Builder builder() {
        return new Builder();
    }

    /// Collects options; see the record's parameters.
    public static final class Builder {

        private int maxTokens = Integer.MAX_VALUE;
        private SamplingOptions sampling = SamplingOptions.defaults();
        private List<String> stop = List.of();
        private boolean ignoreEog;

        private Builder() {
        }

        public Builder maxTokens(int value) {
            maxTokens = value;
            return this;
        }

        public Builder sampling(SamplingOptions value) {
            sampling = value;
            return this;
        }

        public Builder stop(List<String> value) {
            stop = value;
            return this;
        }

        public Builder ignoreEog(boolean value) {
            ignoreEog = value;
            return this;
        }

        public ChatOptions build() {
            return new ChatOptions(maxTokens, sampling, stop, ignoreEog);
        }
    }
}
