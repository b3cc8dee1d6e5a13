package io.llatte.llama;

import java.time.Instant;
import java.util.List;
import java.util.Objects;

/// A conversation to be rendered, and how.
///
/// @param messages the turns
/// @param addGenerationPrompt whether the prompt ends where the assistant begins to speak
/// @param enableThinking whether a template that knows reasoning asks for it
/// @param now the date that a template may write
public record ChatRequest(List<ChatMessage> messages, boolean addGenerationPrompt, boolean enableThinking, Instant now) {

    public ChatRequest {
        messages = List.copyOf(messages);
        Objects.requireNonNull(now, "now");
    }

    /// The prompt for the next answer, today.
    public static ChatRequest of(List<ChatMessage> messages) {
        return new ChatRequest(messages, true, true, Instant.now());
    }

    /// The same conversation without a place for the next answer.
    public ChatRequest withoutGenerationPrompt() {
        return new ChatRequest(messages, false, enableThinking, now);
    }

    /// The same conversation without reasoning, where the template knows it.
    public ChatRequest withoutThinking() {
        return new ChatRequest(messages, addGenerationPrompt, false, now);
    }

    /// The same conversation on another date.
    public ChatRequest at(Instant date) {
        return new ChatRequest(messages, addGenerationPrompt, enableThinking, date);
    }
}
