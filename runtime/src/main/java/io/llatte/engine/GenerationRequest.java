package io.llatte.engine;

import io.llatte.llama.Constraint;
import io.llatte.llama.Logprobs;
import io.llatte.llama.ReasoningOptions;
import io.llatte.llama.SamplingOptions;
import io.llatte.llama.Speculation;
import io.llatte.llama.ToolChoice;
import java.util.List;
import java.util.Objects;
import java.util.OptionalInt;

/// What an engine is asked for. Immutable.
///
/// @param prompt what it goes on from
/// @param sampling how tokens are chosen
/// @param maxTokens at most so many, at least 1; the context's end is a limit too
/// @param stop texts that end the answer and are not part of it
/// @param ignoreEog whether to go on after an end-of-generation token, as a benchmark does
/// @param overflow what happens where the context has no room for it
/// @param priority a request of a higher one is admitted first, and its prompt evaluated first; 0 is usual
/// @param speculation how tokens are guessed ahead; a server chooses for itself
/// @param topLogprobs whether tokens say how probable the model found them, with so many alternatives, 0 to [Logprobs#MAX_ALTERNATIVES]; empty
///        for no, which costs nothing
/// @param constraint what the answer must look like; not with a conversation's tools, unless it is none
/// @param reasoning whether and how long the model thinks before it answers
/// @param adapters what changes the model for this answer
public record GenerationRequest(Prompt prompt, SamplingOptions sampling, int maxTokens, List<String> stop, boolean ignoreEog,
                                OverflowPolicy overflow, int priority, Speculation speculation, OptionalInt topLogprobs,
                                Constraint constraint, ReasoningOptions reasoning, List<Adapter> adapters) {

    public GenerationRequest {
        Objects.requireNonNull(prompt, "prompt");
        Objects.requireNonNull(sampling, "sampling");
        Objects.requireNonNull(overflow, "overflow");
        Objects.requireNonNull(speculation, "speculation");
        Logprobs.check(topLogprobs);
        Objects.requireNonNull(constraint, "constraint");
        Objects.requireNonNull(reasoning, "reasoning");
        adapters = List.copyOf(adapters);
        if (!(constraint instanceof Constraint.None) && prompt instanceof Prompt.Chat chat && !chat.request().tools().isEmpty()
                && chat.request().toolChoice() != ToolChoice.NONE) {
            throw new IllegalArgumentException("an answer cannot be constrained and call one of %d tools".formatted(chat.request().tools().size()));
        }
        if (maxTokens < 1) {
            throw new IllegalArgumentException("maxTokens must be at least 1: " + maxTokens);
        }
        stop = List.copyOf(stop);
        if (stop.stream().anyMatch(String::isEmpty)) {
            throw new IllegalArgumentException("a stop string must not be empty");
        }
    }

    /// A request without stop strings, that fails where it does not fit.
    public static GenerationRequest of(Prompt prompt, SamplingOptions sampling, int maxTokens) {
        return builder(prompt).sampling(sampling).maxTokens(maxTokens).build();
    }

    public static Builder builder(Prompt prompt) {
        return new Builder(prompt);
    }

    /// Collects options; see the record's parameters.
    public static final class Builder {

        private final Prompt prompt;
        private SamplingOptions sampling = SamplingOptions.defaults();
        private int maxTokens = Integer.MAX_VALUE;
        private List<String> stop = List.of();
        private boolean ignoreEog;
        private OverflowPolicy overflow = OverflowPolicy.FAIL;
        private int priority;
        private Speculation speculation = Speculation.none();
        private OptionalInt topLogprobs = OptionalInt.empty();
        private Constraint constraint = Constraint.none();
        private ReasoningOptions reasoning = ReasoningOptions.on();
        private List<Adapter> adapters = List.of();

        private Builder(Prompt prompt) {
            this.prompt = prompt;
        }

        public Builder sampling(SamplingOptions value) {
            sampling = value;
            return this;
        }

        public Builder maxTokens(int value) {
            maxTokens = value;
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

        public Builder overflow(OverflowPolicy value) {
            overflow = value;
            return this;
        }

        public Builder priority(int value) {
            priority = value;
            return this;
        }

        public Builder speculation(Speculation value) {
            speculation = value;
            return this;
        }

        public Builder topLogprobs(OptionalInt value) {
            topLogprobs = value;
            return this;
        }

        public Builder constraint(Constraint value) {
            constraint = value;
            return this;
        }

        public Builder reasoning(ReasoningOptions value) {
            reasoning = value;
            return this;
        }

        public Builder adapters(List<Adapter> value) {
            adapters = value;
            return this;
        }

        public GenerationRequest build() {
            return new GenerationRequest(prompt, sampling, maxTokens, stop, ignoreEog, overflow, priority, speculation, topLogprobs, constraint,
                    reasoning, adapters);
        }
    }
}
