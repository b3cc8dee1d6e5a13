package io.llatte.llama;

import java.util.List;

/// A conversation as the prompt of a model, and what is needed to read its answer.
///
/// @param prompt the text to tokenize, with special tokens parsed
/// @param stop texts that end the answer besides the model's own end tokens
/// @param grammar GBNF that the answer must follow, or ""
/// @param syntax llama-common's own description, which [ChatTemplate#parse(RenderedChat, String, boolean)] needs; opaque
public record RenderedChat(String prompt, List<String> stop, String grammar, String syntax) {

    public RenderedChat {
        stop = List.copyOf(stop);
    }
}
