package io.llatte.demo.openai;

import com.fasterxml.jackson.core.io.JsonStringEncoder;
import java.util.function.UnaryOperator;

/// JSON that is the same each time but for one text: written once, and the text set into it. A stream has thousands of them.
record TextFrame(String before, String after) {

    /// Nothing else of an answer's JSON has it.
    private static final String PLACE = "\u0001text\u0001";

    /// @param json writes the JSON for a text
    static TextFrame of(UnaryOperator<String> json) {
        String example = json.apply(PLACE);
        String place = quoted(PLACE);
        int at = example.indexOf(place);
        return new TextFrame(example.substring(0, at), example.substring(at + place.length()));
    }

    private static String quoted(String text) {
        return new String(JsonStringEncoder.getInstance().quoteAsString(text));
    }

    String around(String text) {
        return before + quoted(text) + after;
    }
}
