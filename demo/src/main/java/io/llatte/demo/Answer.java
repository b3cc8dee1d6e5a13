package io.llatte.demo;

import io.llatte.llama.FinishReason;
import io.llatte.llama.Timings;
import io.llatte.llama.Usage;

/// What came of a question.
///
/// @param text the answer
/// @param finishReason why it ended
/// @param usage its tokens
/// @param timings its times
record Answer(String text, FinishReason finishReason, Usage usage, Timings timings) {

    /// Tokens of the context that are taken now.
    int contextTokens() {
        return usage.promptTokens() + usage.generatedTokens();
    }
}
