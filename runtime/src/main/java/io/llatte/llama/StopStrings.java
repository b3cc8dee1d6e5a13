package io.llatte.llama;

import java.util.List;

/// Watches a text that arrives in pieces for stop strings. What may become one is held back until that is known.
final class StopStrings {

    private final List<String> stops;
    private final StringBuilder held = new StringBuilder();
    private boolean matched;

    StopStrings(List<String> stops) {
        this.stops = stops;
    }

    /// The text that is certain not to belong to a stop string.
    String accept(String text) {
        if (stops.isEmpty()) {
            return text;
        }
        held.append(text);
        int end = firstMatch();
        if (end >= 0) {
            matched = true;
            held.setLength(end);
            return release(held.length());
        }
        return release(held.length() - longestPossibleStart());
    }

    /// Whether a stop string came up; the text then ends before it.
    boolean isMatched() {
        return matched;
    }

    boolean isHolding() {
        return !held.isEmpty();
    }

    /// What is held back, when no more text comes.
    String flush() {
        return release(held.length());
    }

    private int firstMatch() {
        return stops.stream().mapToInt(held::indexOf).filter(index -> index >= 0).min().orElse(-1);
    }

    /// The length of the longest end of the text that a stop string starts with.
    private int longestPossibleStart() {
        int longest = 0;
        for (String stop : stops) {
            for (int length = Math.min(stop.length() - 1, held.length()); length > longest; length--) {
                if (stop.startsWith(held.substring(held.length() - length))) {
                    longest = length;
                }
            }
        }
        return longest;
    }

    private String release(int length) {
        String text = held.substring(0, length);
        held.delete(0, length);
        return text;
    }
}
