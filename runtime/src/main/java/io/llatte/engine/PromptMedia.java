package io.llatte.engine;

import io.llatte.llama.MediaEmbeddings;
import java.util.List;

/// The pictures and sounds of a prompt, encoded, in the order of their positions. They are kept as long as the request: what is set back is evaluated again.
record PromptMedia(List<Part> parts) {

    static final PromptMedia NONE = new PromptMedia(List.of());

    /// @param from its first position
    record Part(int from, MediaEmbeddings embeddings) {

        int to() {
            return from + embeddings.tokens();
        }
    }

    boolean isEmpty() {
        return parts.isEmpty();
    }

    /// The part that a position is in, or null.
    Part at(int position) {
        for (int i = 0; i < parts.size(); i++) {
            Part part = parts.get(i);
            if (position >= part.from && position < part.to()) {
                return part;
            }
        }
        return null;
    }

    /// The end of the text from a position on: where the next part begins, or `end`.
    int textEnd(int position, int end) {
        for (int i = 0; i < parts.size(); i++) {
            if (parts.get(i).from > position) {
                return Math.min(end, parts.get(i).from);
            }
        }
        return end;
    }

    /// The same length, or what is before the part in which it ends: a picture is used again whole or not at all.
    int whole(int length) {
        Part part = at(length);
        return part == null ? length : part.from;
    }
}
