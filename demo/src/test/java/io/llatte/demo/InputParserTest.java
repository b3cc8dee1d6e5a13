package io.llatte.demo;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.jline.reader.EOFError;
import org.jline.reader.ParsedLine;
import org.jline.reader.Parser.ParseContext;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class InputParserTest {

    private final InputParser parser = new InputParser();

    @ParameterizedTest
    @ValueSource(strings = {"first \\", "\"\"\"", "\"\"\"first\nsecond", "\"\"\"\""})
    void openInput_goesOn(String line) {
        assertThatThrownBy(() -> parser.parse(line, line.length(), ParseContext.ACCEPT_LINE)).isInstanceOf(EOFError.class);
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "hello", "say \"\"\"x", "\"\"\"first\nsecond\"\"\"", "\"\"\"\"\"\"", "a\\\nb"})
    void closedInput_isAccepted(String line) {
        assertThat(parser.parse(line, line.length(), ParseContext.ACCEPT_LINE).line()).isEqualTo(line);
    }

    @Test
    void textOf_dropsTheMarks() {
        assertThat(InputParser.textOf("  hello ")).isEqualTo("hello");
        assertThat(InputParser.textOf("first\\\nsecond")).isEqualTo("first\nsecond");
        assertThat(InputParser.textOf("\"\"\"\nfirst\n  second\\\n\"\"\"")).isEqualTo("first\n  second\\");
    }

    @Test
    void words_areFoundAtTheCursor() {
        ParsedLine line = parser.parse("/load some", 8, ParseContext.COMPLETE);
        assertThat(line.words()).containsExactly("/load", "some");
        assertThat(line.wordIndex()).isEqualTo(1);
        assertThat(line.wordCursor()).isEqualTo(2);
        assertThat(parser.parse("/lo", 3, ParseContext.COMPLETE).word()).isEqualTo("/lo");
        assertThat(parser.parse("/load ", 6, ParseContext.COMPLETE).word()).isEmpty();
    }
}
