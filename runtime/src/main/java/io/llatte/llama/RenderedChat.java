package io.llatte.llama;

import java.util.List;
import java.util.Objects;

/// A conversation as the prompt of a model, and what is needed to write and to read its answer.
///
/// @param prompt the text to tokenize, with special tokens parsed
/// @param stop texts that end the answer besides the model's own end tokens
/// @param grammar GBNF that the answer must follow, or ""
/// @param grammarLazy whether the grammar holds only once the answer has come to a trigger, such as the beginning of a tool's call
/// @param preservedTokens texts of special tokens that are part of the answer, as those around a tool's call
/// @param supportsThinking whether the template knows reasoning
/// @param plain whether an answer is nothing but its text, and need not be parsed
/// @param syntax llama-common's own description, which [Sampler.Builder#format] and [AnswerParser] need; opaque
public record RenderedChat(String prompt, List<String> stop, String grammar, boolean grammarLazy, List<String> preservedTokens,
                           boolean supportsThinking, boolean plain, String syntax) {

    public RenderedChat {
        Objects.requireNonNull(prompt, "prompt");
        stop = List.copyOf(stop);
        Objects.requireNonNull(grammar, "grammar");
        preservedTokens = List.copyOf(preservedTokens);
        Objects.requireNonNull(syntax, "syntax");
    }
}
