package io.llatte.demo;

import java.util.ArrayList;
import java.util.List;
import org.jline.reader.CompletingParsedLine;
import org.jline.reader.EOFError;
import org.jline.reader.ParsedLine;
import org.jline.reader.Parser;

/// Reads what the user types: a line, a line that goes on after a trailing backslash, or a text between `"""`.
final class InputParser implements Parser {

    private static final String FENCE = "\"\"\"";

    @Override
    public ParsedLine parse(String line, int cursor, ParseContext context) {
        if (context == ParseContext.ACCEPT_LINE && isOpen(line)) {
            throw new EOFError(-1, -1, "the text goes on", "");
        }
        return Words.of(line, cursor);
    }

    private static boolean isOpen(String line) {
        if (line.stripLeading().startsWith(FENCE)) {
            String text = line.strip();
            return text.length() < 2 * FENCE.length() || !text.endsWith(FENCE);
        }
        return line.endsWith("\\");
    }

    /// The text that was meant, without the marks that held its lines together.
    static String textOf(String input) {
        String text = input.strip();
        if (text.startsWith(FENCE) && text.endsWith(FENCE) && text.length() >= 2 * FENCE.length()) {
            return text.substring(FENCE.length(), text.length() - FENCE.length()).strip();
        }
        return text.replaceAll("\\\\\\R", "\n");
    }

    /// The line cut at blanks, which is all that completion needs.
    private record Words(String line, int cursor, List<String> words, int wordIndex, int wordCursor) implements CompletingParsedLine {

        static Words of(String line, int cursor) {
            var words = new ArrayList<String>();
            int wordIndex = -1;
            int wordCursor = 0;
            int at = 0;
            while (at <= line.length()) {
                int end = line.indexOf(' ', at);
                end = end < 0 ? line.length() : end;
                if (wordIndex < 0 && cursor <= end) {
                    wordIndex = words.size();
                    wordCursor = Math.max(0, cursor - at);
                }
                words.add(line.substring(at, end));
                at = end + 1;
            }
            return new Words(line, cursor, words, wordIndex, wordCursor);
        }

        @Override
        public CharSequence escape(CharSequence candidate, boolean complete) {
            return candidate;       // nothing is quoted here
        }

        @Override
        public int rawWordCursor() {
            return wordCursor;
        }

        @Override
        public int rawWordLength() {
            return word().length();
        }

        @Override
        public String word() {
            return words.get(wordIndex);
        }
    }
}
