package io.llatte;

import io.llatte.llama.FinishReason;
import io.llatte.llama.Logprobs;
import io.llatte.llama.Timings;
import io.llatte.llama.Token;
import io.llatte.llama.TokenStream;
import io.llatte.llama.Usage;
import java.util.ArrayList;
import java.util.List;

/// A whole answer.
///
/// @param text what the model said
/// @param finishReason why it ended
/// @param usage its tokens
/// @param timings its times, tokens per second among them
/// @param logprobs of its tokens in their order, where they were asked for
public record ChatAnswer(String text, FinishReason finishReason, Usage usage, Timings timings, List<Logprobs> logprobs) {

    public ChatAnswer {
        logprobs = List.copyOf(logprobs);
    }

    /// Reads a stream to its end and closes it.
    static ChatAnswer of(TokenStream stream) {
        try (stream) {
            var text = new StringBuilder();
            List<Logprobs> logprobs = new ArrayList<>();
            while (stream.hasNext()) {
                Token token = stream.next();
                text.append(token.text());
                token.logprobs().ifPresent(logprobs::add);
            }
            return new ChatAnswer(text.toString(), stream.finishReason(), stream.usage(), stream.timings(), logprobs);
        }
    }
}
