package io.llatte.schema;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.net.URI;
import java.time.DateTimeException;
import java.time.Instant;
import java.time.LocalDate;
import java.time.LocalDateTime;
import java.time.LocalTime;
import java.time.OffsetDateTime;
import java.time.OffsetTime;
import java.util.Map;
import java.util.UUID;
import java.util.function.Function;

/// A string, and what is made of it.
///
/// @param name what it is, for messages
/// @param keyword the schema's keyword beside the type, "format" or "pattern", or "" for none
/// @param value the keyword's value
/// @param parse throws [IllegalArgumentException] or [DateTimeException] where the text is none
/// @param bounds of its text
record TextShape(String name, String keyword, String value, Function<String, Object> parse, Bounds bounds) implements Shape {

    private static final String DAY = "[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])";
    private static final String TIME = "([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]";
    private static final Bounds FREE = Bounds.of(AnnotationSet.of(), "");

    private static final Map<Class<?>, TextShape> FORMATS = Map.of(
            LocalDate.class, of("date", "format", "date", LocalDate::parse),
            Instant.class, of("moment", "format", "date-time", text -> OffsetDateTime.parse(text).toInstant()),
            OffsetDateTime.class, of("date and time", "format", "date-time", OffsetDateTime::parse),
            OffsetTime.class, of("time", "format", "time", OffsetTime::parse),
            LocalTime.class, of("time", "pattern", "^" + TIME + "$", LocalTime::parse),
            LocalDateTime.class, of("date and time", "pattern", "^" + DAY + "T" + TIME + "$", LocalDateTime::parse),
            UUID.class, of("UUID", "format", "uuid", UUID::fromString),
            URI.class, of("URI", "format", "uri", URI::create));

    private static TextShape of(String name, String keyword, String value, Function<String, Object> parse) {
        return new TextShape(name, keyword, value, parse, FREE);
    }

    /// The shape of a class that is a string with a format, or null.
    static TextShape ofFormat(Class<?> type) {
        return FORMATS.get(type);
    }

    static TextShape ofString(Bounds bounds) {
        return new TextShape("text", "", "", text -> text, bounds);
    }

    @Override
    public ObjectNode schema() {
        ObjectNode schema = Shape.ofType("string");
        if (!keyword.isEmpty()) {
            schema.put(keyword, value);
        }
        bounds.describeText(schema);
        return schema;
    }

    @Override
    public Object read(JsonNode node, String at) {
        if (!node.isTextual()) {
            throw Shape.mismatch(node, at, "a string");
        }
        bounds.checkText(node.textValue(), at);
        try {
            return parse.apply(node.textValue());
        } catch (IllegalArgumentException | DateTimeException e) {
            throw Shape.mismatch(node, at, "a " + name);
        }
    }
}
