package io.llatte.llama;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.JsonToken;
import com.fasterxml.jackson.core.StreamReadConstraints;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.Optional;

/// A call of a tool that a model asked for.
///
/// @param id the call's id, or ""
/// @param name the tool's name
/// @param arguments the arguments as a JSON object
public record ToolCall(String id, String name, String arguments) {

    /// The shim's limit: a template's own functions recurse into what is nested.
    private static final int MOST_NESTING = 128;

    private static final JsonFactory JSON = JsonFactory.builder()
            .streamReadConstraints(StreamReadConstraints.builder().maxNestingDepth(MOST_NESTING).maxStringLength(Integer.MAX_VALUE).build()).build();

    /// Why the arguments are no JSON object that a template can write, or empty. Not all formats keep a model from writing such, and a conversation
    /// with them cannot be rendered by a template that reads them.
    public Optional<String> defect() {
        try (JsonParser parser = JSON.createParser(arguments)) {
            if (parser.nextToken() != JsonToken.START_OBJECT) {
                return Optional.of("they are no JSON object");
            }
            for (JsonToken token = parser.nextToken(); token != null; token = parser.nextToken()) {
                if (token.isNumeric() && !Double.isFinite(parser.getDoubleValue())) {
                    return Optional.of("the number %s is too large".formatted(parser.getText()));
                }
                if ((token == JsonToken.FIELD_NAME || token == JsonToken.VALUE_STRING) && parser.getText().codePoints().anyMatch(ToolCall::isHalf)) {
                    return Optional.of("a text has half a character");
                }
                if (parser.getParsingContext().inRoot()) {
                    return parser.nextToken() == null ? Optional.empty() : Optional.of("something follows the JSON object");
                }
            }
            return Optional.empty();
        } catch (JsonProcessingException e) {
            return Optional.of("they are no JSON: " + e.getOriginalMessage());
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static boolean isHalf(int codePoint) {
        return codePoint >= Character.MIN_SURROGATE && codePoint <= Character.MAX_SURROGATE;
    }
}
