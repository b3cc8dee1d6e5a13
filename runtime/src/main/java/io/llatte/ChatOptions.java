package io.llatte;

import io.llatte.engine.Adapter;
import io.llatte.engine.GenerationRequest;
import io.llatte.engine.OverflowPolicy;
import io.llatte.engine.Prompt;
import io.llatte.llama.ChatMessage;
import io.llatte.llama.ChatRequest;
import io.llatte.llama.Constraint;
import io.llatte.llama.Logprobs;
import io.llatte.llama.ReasoningOptions;
import io.llatte.llama.SamplingOptions;
import io.llatte.llama.Speculation;
import io.llatte.llama.ToolChoice;
import io.llatte.llama.ToolDefinition;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.OptionalInt;

/// How an answer is made. Immutable.
///
/// @param maxTokens at most so many, at least 1; the context's end is a limit too
/// @param sampling how tokens are chosen
/// @param stop texts that end the answer and are not part of it
/// @param ignoreEog whether to go on after an end-of-generation token, as a benchmark does
/// @param overflow what happens where the context has no room for it
/// @param priority a request of a higher one is admitted first, and its prompt evaluated first; 0 is usual
/// @param speculation how tokens are guessed ahead, for speed; a server chooses for itself
/// @param topLogprobs whether tokens say how probable the model found them, with so many alternatives, 0 to [Logprobs#MAX_ALTERNATIVES]; empty
///        for no, which costs nothing
/// @param constraint what the answer must look like; not with tools
/// @param reasoning whether and how long the model thinks before it answers
/// @param tools what the model may call
/// @param toolChoice whether it calls them
/// @param parallelToolCalls whether it may ask for several calls at once
/// @param adapters LoRA adapters and control vectors that change the model for this answer
/// @param model the model that answers, loaded or exchanged for first where another one is; empty for the one that is loaded
public record ChatOptions(int maxTokens, SamplingOptions sampling, List<String> stop, boolean ignoreEog, OverflowPolicy overflow,
                          int priority, Speculation speculation, OptionalInt topLogprobs, Constraint constraint, ReasoningOptions reasoning,
                          List<ToolDefinition> tools, ToolChoice toolChoice, boolean parallelToolCalls, List<Adapter> adapters,
                          Optional<String> model) {

    public ChatOptions {
        if (maxTokens < 1) {
            throw new IllegalArgumentException("maxTokens must be at least 1: " + maxTokens);
        }
        Objects.requireNonNull(sampling, "sampling");
        Objects.requireNonNull(overflow, "overflow");
        Objects.requireNonNull(speculation, "speculation");
        Logprobs.check(topLogprobs);
        Objects.requireNonNull(constraint, "constraint");
        Objects.requireNonNull(reasoning, "reasoning");
        tools = List.copyOf(tools);
        Objects.requireNonNull(toolChoice, "toolChoice");
        adapters = List.copyOf(adapters);
        Objects.requireNonNull(model, "model");
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

    public Builder toBuilder() {
        var builder = new Builder();
        builder.maxTokens = maxTokens;
        builder.sampling = sampling;
        builder.stop = stop;
        builder.ignoreEog = ignoreEog;
        builder.overflow = overflow;
        builder.priority = priority;
        builder.speculation = speculation;
        builder.topLogprobs = topLogprobs;
        builder.constraint = constraint;
        builder.reasoning = reasoning;
        builder.tools = tools;
        builder.toolChoice = toolChoice;
        builder.parallelToolCalls = parallelToolCalls;
        builder.adapters = adapters;
        builder.model = model;
        return builder;
    }

    /// A conversation as it is put to a model.
    Prompt prompt(List<ChatMessage> messages) {
        return new Prompt.Chat(ChatRequest.builder(messages).tools(tools).toolChoice(toolChoice).parallelToolCalls(parallelToolCalls).build());
    }

    GenerationRequest request(Prompt prompt) {
        return new GenerationRequest(prompt, sampling, maxTokens, stop, ignoreEog, overflow, priority, speculation, topLogprobs, constraint, reasoning,
                adapters);
    }

    /// Collects options; see the record's parameters.
    public static final class Builder {

        private int maxTokens = Integer.MAX_VALUE;
        private SamplingOptions sampling = SamplingOptions.defaults();
        private List<String> stop = List.of();
        private boolean ignoreEog;
        private OverflowPolicy overflow = OverflowPolicy.FAIL;
        private int priority;
        private Speculation speculation = Speculation.none();
        private OptionalInt topLogprobs = OptionalInt.empty();
        private Constraint constraint = Constraint.none();
        private ReasoningOptions reasoning = ReasoningOptions.on();
        private List<ToolDefinition> tools = List.of();
        private ToolChoice toolChoice = ToolChoice.AUTO;
        private boolean parallelToolCalls;
        private List<Adapter> adapters = List.of();
        private Optional<String> model = Optional.empty();

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

        public Builder topLogprobs(int value) {
            topLogprobs = OptionalInt.of(value);
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

        public Builder tools(List<ToolDefinition> value) {
            tools = value;
            return this;
        }

        public Builder toolChoice(ToolChoice value) {
            toolChoice = value;
            return this;
        }

        public Builder parallelToolCalls(boolean value) {
            parallelToolCalls = value;
            return this;
        }

        public Builder adapters(List<Adapter> value) {
            adapters = value;
            return this;
        }

        /// @param value an id of the catalog, or another reference that [io.llatte.model.ModelStore#find] takes
        public Builder model(String value) {
            model = Optional.of(value);
            return this;
        }

        public ChatOptions build() {
            return new ChatOptions(maxTokens, sampling, stop, ignoreEog, overflow, priority, speculation, topLogprobs, constraint, reasoning, tools,
                    toolChoice, parallelToolCalls, adapters, model);
        }
    }
}
