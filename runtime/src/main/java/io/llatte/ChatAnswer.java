package io.llatte;

import io.llatte.engine.AnswerStream;
import io.llatte.llama.ChatMessage;
import io.llatte.llama.FinishReason;
import io.llatte.llama.Logprobs;
import io.llatte.llama.Timings;
import io.llatte.llama.ToolCall;
import io.llatte.llama.Usage;
import java.util.ArrayList;
import java.util.List;

/// A whole answer.
///
/// @param message what the model said: its text, and apart from it its reasoning and the tool calls that it asks for
/// @param finishReason why it ended
/// @param usage its tokens
/// @param timings its times, tokens per second among them
/// @param logprobs of its tokens in their order, where they were asked for
public record ChatAnswer(ChatMessage message, FinishReason finishReason, Usage usage, Timings timings, List<Logprobs> logprobs) {

    public ChatAnswer {
        logprobs = List.copyOf(logprobs);
    }

    /// What the model said to the user.
    public String text() {
        return message.content();
    }

    /// What it thought before, where its format knows reasoning, or "".
    public String reasoning() {
        return message.reasoning();
    }

    /// The tools that it wants to be called; nobody has called them.
    public List<ToolCall> toolCalls() {
        return message.toolCalls();
    }

    /// Reads a stream to its end and closes it.
    static ChatAnswer of(AnswerStream stream) {
        try (stream) {
            List<Logprobs> logprobs = new ArrayList<>();
            while (stream.hasNext()) {
                stream.next().logprobs().ifPresent(logprobs::add);
            }
            return of(stream, logprobs);
        }
    }

    /// What a stream said that was read to its end.
    static ChatAnswer of(AnswerStream ended, List<Logprobs> logprobs) {
        return new ChatAnswer(ended.message(), ended.finishReason(), ended.usage(), ended.timings(), logprobs);
    }
}
