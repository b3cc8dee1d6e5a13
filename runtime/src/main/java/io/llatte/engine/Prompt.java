package io.llatte.engine;

import io.llatte.llama.ChatMessage;
import io.llatte.llama.ChatRequest;
import java.util.List;
import java.util.Objects;

/// What an engine goes on from.
public sealed interface Prompt {

    /// A conversation, to be answered in the model's own format.
    ///
    /// @param request the turns, at least one, and what the model is told beside them
    record Chat(ChatRequest request) implements Prompt {
        public Chat {
            if (request.messages().isEmpty()) {
                throw new IllegalArgumentException("a conversation needs at least one message");
            }
        }

        /// A conversation and nothing else.
        public Chat(List<ChatMessage> messages) {
            this(ChatRequest.of(messages));
        }

        public List<ChatMessage> messages() {
            return request.messages();
        }
    }

    /// Text with a gap, to be filled by a model that was trained to (fill-in-the-middle). Where both texts are longer than the context, the end of
    /// the first and the beginning of the second are kept, three parts to one.
    ///
    /// @param prefix the text before the gap
    /// @param suffix the text behind it
    record Infill(String prefix, String suffix) implements Prompt {
        public Infill {
            Objects.requireNonNull(prefix, "prefix");
            Objects.requireNonNull(suffix, "suffix");
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
