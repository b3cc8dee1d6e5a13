package io.llatte.engine;

import io.llatte.llama.ChatMessage;
import java.util.List;

/// What an engine goes on from.
public sealed interface Prompt {

    /// A conversation, to be answered in the model's own format.
    ///
    /// @param messages the turns; at least one
    record Chat(List<ChatMessage> messages) implements Prompt {
        public Chat {
            messages = List.copyOf(messages);
            if (messages.isEmpty()) {
                throw new IllegalArgumentException("a conversation needs at least one message");
            }
        }
    }

    /// Text as it is, to be continued.
    ///
    /// @param text not empty
    record Text(String text) implements Prompt {
        public Text {
            if (text.isEmpty()) {
                throw new IllegalArgumentException("the prompt is empty");
            }
        }
    }
}
