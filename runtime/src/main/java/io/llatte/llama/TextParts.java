package io.llatte.llama;

import io.llatte.ContextOverflowException;
import io.llatte.llama.EmbeddingOptions.LongText;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/// A text as ids, in one part, or in several where it is long.
///
/// @param parts each with its special tokens
/// @param weights tokens of the text itself in each
record TextParts(List<int[]> parts, int[] weights) {

    /// @param index the text's place, for what is said of it
    /// @param longest tokens that one part can have
    static TextParts of(String text, int index, Vocab vocab, int longest, LongText longText) {
        int[] all = vocab.tokenize(text);
        if (all.length == 0) {
            throw new IllegalArgumentException("text %d is empty: the model has no token for it".formatted(index));
        }
        if (all.length <= longest) {
            return new TextParts(List.of(all), new int[] {all.length});
        }
        if (longText == LongText.REFUSE) {
            throw tooLong("text " + index, all.length, longest);
        }
        return cut(all, vocab.tokenize(text, false, true), longest);
    }

    static ContextOverflowException tooLong(String what, int length, int longest) {
        return new ContextOverflowException("%s has %,d tokens, and %,d are evaluated together at most".formatted(what, length, longest), length,
                longest);
    }

    private static TextParts cut(int[] all, int[] content, int longest) {
        int before = placeOf(content, all);
        int[] prefix = Arrays.copyOf(all, before);
        int[] suffix = Arrays.copyOfRange(all, before + content.length, all.length);
        int room = longest - prefix.length - suffix.length;
        if (room < 1) {
            throw tooLong("a part of a text", prefix.length + suffix.length + 1, longest);
        }
        List<int[]> parts = new ArrayList<>();
        int[] weights = new int[(content.length + room - 1) / room];
        for (int from = 0; from < content.length; from += room) {
            int to = Math.min(content.length, from + room);
            int[] part = Arrays.copyOf(prefix, prefix.length + to - from + suffix.length);
            System.arraycopy(content, from, part, prefix.length, to - from);
            System.arraycopy(suffix, 0, part, prefix.length + to - from, suffix.length);
            weights[parts.size()] = to - from;
            parts.add(part);
        }
        return new TextParts(parts, weights);
    }

    /// How many special tokens the tokenizer put before the text.
    private static int placeOf(int[] content, int[] all) {
        for (int at = 0; at <= all.length - content.length; at++) {
            if (Arrays.equals(content, 0, content.length, all, at, at + content.length)) {
                return at;
            }
        }
        throw new IllegalStateException("a text has %d tokens without special ones and is not found among %d".formatted(content.length,
                all.length));
    }
}
