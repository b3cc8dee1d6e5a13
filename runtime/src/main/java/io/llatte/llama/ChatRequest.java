package io.llatte.llama;

import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;

/// A conversation to be rendered, and how. Immutable.
///
/// @param messages the turns
/// @param tools what the model may call; a template that knows none of it leaves them out
/// @param toolChoice whether it calls them
/// @param parallelToolCalls whether it may ask for several calls at once
/// @param jsonSchema what the answer's text must be, as a JSON schema
/// @param addGenerationPrompt whether the prompt ends where the assistant begins to speak
/// @param continuation whether the last turn, the assistant's, is gone on with; not with `addGenerationPrompt`
/// @param enableThinking whether a template that knows reasoning asks for it
/// @param separateReasoning whether reasoning is told apart from the answer's text, or stands in it as the model writes it
/// @param templateArguments further variables of the template: names, and values as JSON
/// @param now the date that a template may write
public record ChatRequest(List<ChatMessage> messages, List<ToolDefinition> tools, ToolChoice toolChoice, boolean parallelToolCalls,
                          Optional<String> jsonSchema, boolean addGenerationPrompt, Continuation continuation, boolean enableThinking,
                          boolean separateReasoning, Map<String, String> templateArguments, Instant now) {

    public ChatRequest {
        messages = List.copyOf(messages);
        tools = List.copyOf(tools);
        Objects.requireNonNull(toolChoice, "toolChoice");
        Objects.requireNonNull(jsonSchema, "jsonSchema");
        Objects.requireNonNull(continuation, "continuation");
        if (continuation != Continuation.NONE && (addGenerationPrompt || messages.isEmpty() || !messages.getLast().role().equals("assistant")
                || !messages.getLast().toolCalls().isEmpty())) {
            throw new IllegalArgumentException("only an assistant's turn without tool calls, the last of the conversation, can be gone on with, and no "
                    + "other is begun then");
        }
        templateArguments = Map.copyOf(templateArguments);
        Objects.requireNonNull(now, "now");
        if (tools.stream().map(ToolDefinition::name).distinct().count() < tools.size()) {
            throw new IllegalArgumentException("two tools have one name: " + tools.stream().map(ToolDefinition::name).toList());
        }
        if (toolChoice == ToolChoice.REQUIRED && tools.isEmpty()) {
            throw new IllegalArgumentException("a tool's call is required, and there are no tools");
        }
    }

    /// The prompt for the next answer, today.
    public static ChatRequest of(List<ChatMessage> messages) {
        return builder(messages).build();
    }

    public static Builder builder(List<ChatMessage> messages) {
        return new Builder(messages);
    }

    public Builder toBuilder() {
        return new Builder(messages).tools(tools).toolChoice(toolChoice).parallelToolCalls(parallelToolCalls).jsonSchema(jsonSchema)
                .addGenerationPrompt(addGenerationPrompt).continuation(continuation).enableThinking(enableThinking).separateReasoning(separateReasoning).templateArguments(templateArguments).now(now);
    }

    /// Another conversation, rendered in the same way.
    public ChatRequest withMessages(List<ChatMessage> others) {
        return new ChatRequest(others, tools, toolChoice, parallelToolCalls, jsonSchema, addGenerationPrompt, continuation, enableThinking,
                separateReasoning, templateArguments, now);
    }

    /// The same conversation without a place for the next answer.
    public ChatRequest withoutGenerationPrompt() {
        return toBuilder().addGenerationPrompt(false).build();
    }

    /// The same conversation without reasoning, where the template knows it.
    public ChatRequest withoutThinking() {
        return toBuilder().enableThinking(false).build();
    }

    /// The same conversation on another date.
    public ChatRequest at(Instant date) {
        return toBuilder().now(date).build();
    }

    /// Collects what a request has; see the record's parameters.
    public static final class Builder {

        private final List<ChatMessage> messages;
        private List<ToolDefinition> tools = List.of();
        private ToolChoice toolChoice = ToolChoice.AUTO;
        private boolean parallelToolCalls;
        private Optional<String> jsonSchema = Optional.empty();
        private boolean addGenerationPrompt = true;
        private Continuation continuation = Continuation.NONE;
        private boolean enableThinking = true;
        private boolean separateReasoning = true;
        private Map<String, String> templateArguments = Map.of();
        private Instant now = Instant.now();

        private Builder(List<ChatMessage> messages) {
            this.messages = messages;
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

        public Builder jsonSchema(Optional<String> value) {
            jsonSchema = value;
            return this;
        }

        public Builder addGenerationPrompt(boolean value) {
            addGenerationPrompt = value;
            return this;
        }

        public Builder continuation(Continuation value) {
            continuation = value;
            return this;
        }

        public Builder enableThinking(boolean value) {
            enableThinking = value;
            return this;
        }

        public Builder separateReasoning(boolean value) {
            separateReasoning = value;
            return this;
        }

        public Builder templateArguments(Map<String, String> value) {
            templateArguments = value;
            return this;
        }

        public Builder now(Instant value) {
            now = value;
            return this;
        }

        public ChatRequest build() {
            return new ChatRequest(messages, tools, toolChoice, parallelToolCalls, jsonSchema, addGenerationPrompt, continuation, enableThinking,
                    separateReasoning, templateArguments, now);
        }
    }
}
