package io.llatte.schema;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.StreamReadFeature;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.cfg.JsonNodeFeature;
import com.fasterxml.jackson.databind.json.JsonMapper;
import io.llatte.AnswerFormatException;
import java.lang.reflect.Executable;
import java.lang.reflect.Type;

/// Reads JSON as a Java type: exactly what [JsonSchema] allows, so nothing may be missing and nothing unknown. What a grammar does not bound is
/// checked here: the range of numbers with fractions, the calendar, and what a record's constructor refuses. Immutable; any thread.
///
/// @param <T> what it reads
public final class TypedReader<T> {

    private static final JsonMapper JSON = JsonMapper.builder()
            .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS, DeserializationFeature.USE_BIG_DECIMAL_FOR_FLOATS)
            .disable(JsonNodeFeature.STRIP_TRAILING_BIGDECIMAL_ZEROES)
            .disable(StreamReadFeature.INCLUDE_SOURCE_IN_LOCATION)
            .build();

    private final Shape shape;
    private final JsonSchema schema;

    private TypedReader(Shape shape) {
        this.shape = shape;
        this.schema = new JsonSchema(shape.schema().toString());
    }

    /// @throws IllegalArgumentException if the type has no schema
    public static <T> TypedReader<T> of(Class<T> type) {
        return new TypedReader<>(Derivation.of(type));
    }

    /// The same for a generic type, such as a `List<Trip>`: the caller answers for `T`.
    ///
    /// @throws IllegalArgumentException if the type has no schema
    public static <T> TypedReader<T> of(Type type) {
        return new TypedReader<>(Derivation.of(type));
    }

    /// Reads an object as the arguments of a method or constructor, in the order of its parameters.
    ///
    /// @throws IllegalArgumentException if the parameters have no schema
    public static TypedReader<Object[]> ofParameters(Executable executable) {
        return new TypedReader<>(Derivation.ofParameters(executable));
    }

    /// The schema of what it reads.
    public JsonSchema schema() {
        return schema;
    }

    /// @throws AnswerFormatException if the text is no JSON, or not of this type, with the path to what is wrong
    @SuppressWarnings("unchecked")
    public T read(String json) {
        JsonNode tree;
        try {
            tree = JSON.readTree(json);
        } catch (JsonProcessingException e) {
            throw new AnswerFormatException("the text is no JSON: %s at character %d".formatted(e.getOriginalMessage(),
                    e.getLocation() == null ? 0 : e.getLocation().getCharOffset()), e);
        } catch (ArithmeticException | NumberFormatException e) {
            throw new AnswerFormatException("the text has a number that is too large", e);
        }
        return (T) shape.read(tree, "$");
    }
}
