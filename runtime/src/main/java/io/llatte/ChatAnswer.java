package io.llatte;

import io.llatte.llama.FinishReason;
import io.llatte.llama.Timings;
import io.llatte.llama.TokenStream;
import io.llatte.llama.Usage;

/// A whole answer.
///
/// @param text what the model said
/// @param finishReason why it ended
/// @param usage its tokens
/// @param timings its times, tokens per second among them
public record ChatAnswer(String text, FinishReason finishReason, Usage usage, Timings timings) {

    /// Reads a stream to its end and closes it.
    static ChatAnswer of(TokenStream stream) {
        try (stream) {
            var text = new StringBuilder();
            while (stream.hasNext()) {
                text.append(stream.next().text());
            }
            return new ChatAnswer(text.toString(), stream.finishReason(), stream.usage(), stream.timings());
        }
    }
}
