package io.llatte.schema;

/// A regular expression of Java as one that llama.cpp can make a grammar of, for the text inside a JSON string's quotes.
///
/// It matches no more than the original does, and never a quote, a backslash or a control character, which JSON writes otherwise: `.` and `[^…]`
/// leave them out, `\s` is a blank. What llama.cpp would silently take for any string is refused.
final class JsonPattern {

    private static final String NEVER = "\"\\\\\\x00-\\x1F";

    static final String NOT_BLANK = "^[^ \\x7F" + NEVER + "][^" + NEVER + "]*$";

    private final String source;
    private final String path;
    private final StringBuilder out = new StringBuilder("^");
    private int at;
    private int end;
    private boolean repeatable;

    private JsonPattern(String source, String path) {
        this.source = source;
        this.path = path;
        this.end = source.length();
    }

    /// The pattern, anchored at both ends, as the annotation means it.
    static String of(String source, String path) {
        return new JsonPattern(source, path).convert();
    }

    private String convert() {
        if (source.startsWith("^")) {
            at++;
        }
        if (end > at && source.charAt(end - 1) == '$' && !(end > 1 && source.charAt(end - 2) == '\\')) {
            end--;
        }
        boolean alternatives = source.indexOf('|') >= 0;
        out.append(alternatives ? "(" : "");
        while (at < end) {
            next(source.charAt(at++));
        }
        return out.append(alternatives ? ")$" : "$").toString();
    }

    private void next(char c) {
        switch (c) {
            case '.' -> literal("[^" + NEVER + "]");
            case '[' -> characterClass();
            case '\\' -> escape();
            case '(' -> group();
            case '*', '+', '?', '{' -> repetition(c);
            case '^', '$', '"' -> throw refused(c + " inside it");
            case ']', '}' -> literal("(\\" + c + ")");
            case '|' -> {
                out.append(c);
                repeatable = false;
            }
            default -> {
                if (c < ' ') {
                    throw refused("a control character");
                }
                letter();
            }
        }
    }

    /// llama.cpp reads a pattern by bytes: only in a class does a letter of several stay whole.
    private void letter() {
        int letter = source.codePointAt(at - 1);
        at += Character.charCount(letter) - 1;
        String text = Character.toString(letter);
        literal(letter < 128 ? text : "[" + text + "]");
    }

    private void literal(String text) {
        out.append(text);
        repeatable = true;
    }

    private void group() {
        if (source.startsWith("?:", at)) {
            at += 2;
        } else if (at < end && source.charAt(at) == '?') {
            throw refused("a group of the kind " + source.substring(at - 1, Math.min(end, at + 2)));
        }
        out.append('(');
        repeatable = false;
    }

    private void repetition(char c) {
        if (!repeatable) {
            throw refused("a repetition of nothing, or of a repetition");
        }
        out.append(c);
        if (c == '{') {
            int close = source.indexOf('}', at);
            out.append(source, at, close + 1);
            at = close + 1;
        }
        repeatable = false;
    }

    private void escape() {
        char c = source.charAt(at++);
        switch (c) {
            case 'd' -> literal("[0-9]");
            case 'w' -> literal("[A-Za-z0-9_]");
            case 's' -> literal(" ");
            case 'D' -> literal("[^0-9" + NEVER + "]");
            case 'W' -> literal("[^A-Za-z0-9_" + NEVER + "]");
            case 'S' -> literal("[^ " + NEVER + "]");
            // In a group: llama.cpp would repeat what stands before it as well.
            case '^', '$', '.', '[', ']', '(', ')', '|', '{', '}', '*', '+', '?' -> literal("(\\" + c + ")");
            case '-', '/', ':', ',', '#', '@', '%', '&', '=', '!', '<', '>', '~', '_', ' ', '\'', ';' -> literal(String.valueOf(c));
            default -> throw refused("\\" + c);
        }
    }

    private void characterClass() {
        boolean negated = source.charAt(at) == '^';
        out.append(negated ? "[^" + NEVER : "[");
        at += negated ? 1 : 0;
        if (source.charAt(at) == ']') {
            throw refused("a class that begins with ]");
        }
        while (source.charAt(at) != ']') {
            char c = source.charAt(at++);
            if (c == '\\') {
                classEscape(source.charAt(at++));
            } else if (c == '"' && negated) {
                continue;               // it is left out already
            } else if (c == '[' || c == '"' || c < ' ' || c == '&' && source.charAt(at) == '&') {
                throw refused(c + " in a class");
            } else {
                out.append(c);
            }
        }
        at++;
        literal("]");
    }

    private void classEscape(char c) {
        switch (c) {
            case 'd' -> out.append("0-9");
            case 'w' -> out.append("A-Za-z0-9_");
            case 's' -> out.append(' ');
            case '-', '[', ']' -> out.append('\\').append(c);
            case '.', '^', '$', '(', ')', '|', '{', '}', '*', '+', '?', '/', ':', ',', '#', '@', '%', '=', '!', '_', ' ', '\'', ';' -> out.append(c);
            default -> throw refused("\\" + c + " in a class");
        }
    }

    private IllegalArgumentException refused(String what) {
        return new IllegalArgumentException("%s: llama.cpp cannot keep an answer to the pattern %s: %s".formatted(path, source, what));
    }
}
