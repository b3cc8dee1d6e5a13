package io.llatte.engine;

import io.llatte.TemplateException;
import io.llatte.llama.AnswerParser;
import io.llatte.llama.ChatMessage;
import io.llatte.llama.RenderedChat;
import java.util.Optional;

/// The text of an answer as far as it was read, and what it says in its format. One thread reads; any thread may close.
final class AnswerText implements AutoCloseable {

    private final Optional<RenderedChat> chat;
    private final StringBuilder text = new StringBuilder();
    private AnswerParser parser;
    private boolean closed;

    /// @param chat how a conversation was rendered; empty where the answer is just a text
    AnswerText(Optional<RenderedChat> chat) {
        this.chat = chat;
    }

    void add(String more) {
        text.append(more);
    }

    /// @param whole whether the model came to its end
    ChatMessage message(boolean whole) {
        String said = text.toString();
        if (chat.isEmpty()) {
            return ChatMessage.assistant(said);
        }
        if (chat.get().plain()) {
            return ChatMessage.assistant(said.stripLeading());
        }
        if (whole) {
            try {
                return parsed(said, false);
            } catch (TemplateException unfinished) {
                // A model may end in the middle of what its format wants: what it said so far stands.
            }
        }
        try {
            return parsed(said, true);
        } catch (TemplateException notOfTheFormat) {
            return ChatMessage.assistant(said.stripLeading());
        }
    }

    private synchronized ChatMessage parsed(String said, boolean partial) {
        if (parser == null) {
            parser = AnswerParser.of(chat.orElseThrow());
        }
        try {
            ChatMessage message = parser.parse(said, partial);
            return message.withContent(message.content().stripLeading());
        } finally {
            if (closed) {
                free();
            }
        }
    }

    private void free() {
        if (parser != null) {
            parser.close();
            parser = null;
        }
    }

    @Override
    public synchronized void close() {
        closed = true;
        free();
    }
}
