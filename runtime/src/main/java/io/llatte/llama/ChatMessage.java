package io.llatte.llama;

import java.util.List;
import java.util.Objects;

/// A turn of a conversation.
///
/// @param role who speaks: `system`, `user`, `assistant` or `tool`, or another that the template knows
/// @param content the text
/// @param reasoning what the model thought before it answered, or ""
/// @param toolCalls the calls that the model asked for
/// @param toolCallId with the role `tool`: the call that this answers, or ""
/// @param media pictures and sounds that stand before the text; only a model with a projector can see or hear them
public record ChatMessage(String role, String content, String reasoning, List<ToolCall> toolCalls, String toolCallId, List<Media> media) {

    public ChatMessage {
        if (role.isBlank()) {
            throw new IllegalArgumentException("a message needs a role");
        }
        Objects.requireNonNull(content, "content");
        Objects.requireNonNull(reasoning, "reasoning");
        Objects.requireNonNull(toolCallId, "toolCallId");
        toolCalls = List.copyOf(toolCalls);
        media = List.copyOf(media);
    }

    /// A turn without pictures and sounds.
    public ChatMessage(String role, String content, String reasoning, List<ToolCall> toolCalls, String toolCallId) {
        this(role, content, reasoning, toolCalls, toolCallId, List.of());
    }

    /// The same turn with another text.
    public ChatMessage withContent(String newContent) {
        return new ChatMessage(role, newContent, reasoning, toolCalls, toolCallId, media);
    }

    /// The same turn without calls: as one that was cut off while it asked for them, and has no results.
    public ChatMessage withoutToolCalls() {
        return new ChatMessage(role, content, reasoning, List.of(), toolCallId, media);
    }

    public static ChatMessage of(String role, String content) {
        return new ChatMessage(role, content, "", List.of(), "");
    }

    public static ChatMessage system(String content) {
        return of("system", content);
    }

    public static ChatMessage user(String content) {
        return of("user", content);
    }

    /// What a user says about pictures and sounds, which stand before the text.
    public static ChatMessage user(String content, Media... media) {
        return new ChatMessage("user", content, "", List.of(), "", List.of(media));
    }

    public static ChatMessage assistant(String content) {
        return of("assistant", content);
    }
}
