package io.llatte.engine;

import io.llatte.llama.ChatMessage;
import io.llatte.llama.TokenStream;

/// The tokens of an engine's answer, and what they say. The texts of tokens are as the model wrote them.
public interface AnswerStream extends TokenStream {

    /// What the answer says up to the token that was read last: its text, and apart from it the reasoning and the tool calls, as far as the model's
    /// format knows them. What is only begun is in it as far as it goes; what a server says may be further already. The reader's thread.
    ChatMessage message();

    /// Whether [#hasNext()] would not wait: the next token, or the end, is there. The reader's thread.
    boolean isReady();
}
