package io.llatte.demo.http;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonLocation;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.StreamReadConstraints;
import com.fasterxml.jackson.core.StreamReadFeature;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.json.JsonMapper;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.OptionalLong;

/// A JSON object of a request. Whatever is not of the kind that is asked for is an [HttpFailure] that names its place. `null` is as good as nothing.
public final class JsonInput {

    private static final int MOST_NESTING = 100;

    private static final ObjectMapper JSON = JsonMapper.builder(JsonFactory.builder()
                    .streamReadConstraints(StreamReadConstraints.builder().maxNestingDepth(MOST_NESTING).maxStringLength(Integer.MAX_VALUE).build())
                    .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION).build())
            .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS).build();

    private final JsonNode node;
    private final String path;

    private JsonInput(JsonNode node, String path) {
        this.node = node;
        this.path = path;
    }

    /// The object that a request's body is.
    ///
    /// @throws HttpFailure with 400 if it is no JSON object
    public static JsonInput parse(byte[] body) {
        try {
            JsonNode node = JSON.readTree(body);
            if (node == null || !node.isObject()) {
                throw HttpFailure.badValue("", "the body must be a JSON object, and is " + (body.length == 0 ? "empty" : kind(node)));
            }
            return new JsonInput(node, "");
        } catch (JsonProcessingException e) {
            JsonLocation at = e.getLocation();
            throw HttpFailure.badValue("", "the body is no JSON: %s%s".formatted(e.getOriginalMessage(),
                    at == null ? "" : " (line %d, column %d)".formatted(at.getLineNr(), at.getColumnNr())));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static String kind(JsonNode node) {
        return node == null || node.isMissingNode() ? "empty" : switch (node.getNodeType()) {
            case ARRAY -> "an array";
            case BOOLEAN -> "a boolean";
            case NULL -> "null";
            case NUMBER -> "a number";
            case OBJECT -> "an object";
            case STRING -> "a string";
            case BINARY, MISSING, POJO -> "nothing of JSON's";
        };
    }

    /// Where a member stands in the request.
    public String pathOf(String name) {
        return path.isEmpty() ? name : path + "." + name;
    }

    /// What is wrong with a member.
    public HttpFailure bad(String name, String rule) {
        return HttpFailure.badValue(pathOf(name), "'%s' %s".formatted(pathOf(name), rule));
    }

    private JsonNode member(String name) {
        JsonNode value = node.get(name);
        return value == null || value.isNull() ? null : value;
    }

    private HttpFailure wrong(String name, String wanted, JsonNode value) {
        return bad(name, "must be %s, and is %s".formatted(wanted, kind(value)));
    }

    public boolean has(String name) {
        return member(name) != null;
    }

    /// A member as it is.
    public Optional<JsonNode> raw(String name) {
        return Optional.ofNullable(member(name));
    }

    public Optional<String> string(String name) {
        JsonNode value = member(name);
        if (value == null) {
            return Optional.empty();
        }
        if (!value.isTextual()) {
            throw wrong(name, "a string", value);
        }
        return Optional.of(checked(name, value.textValue()));
    }

    /// Half a character can come in as an escape, and be in no text.
    private String checked(String name, String text) {
        for (int i = 0; i < text.length(); i++) {
            char c = text.charAt(i);
            if (Character.isSurrogate(c)) {
                if (!Character.isHighSurrogate(c) || i + 1 == text.length() || !Character.isLowSurrogate(text.charAt(i + 1))) {
                    throw bad(name, "has half a character (\\u%04x) at %d".formatted((int) c, i));
                }
                i++;
            }
        }
        return text;
    }

    public String requiredString(String name) {
        return string(name).orElseThrow(() -> bad(name, "is missing"));
    }

    public boolean bool(String name, boolean otherwise) {
        JsonNode value = member(name);
        if (value != null && !value.isBoolean()) {
            throw wrong(name, "a boolean", value);
        }
        return value == null ? otherwise : value.booleanValue();
    }

    public OptionalLong integer(String name, long least, long most) {
        JsonNode value = member(name);
        if (value == null) {
            return OptionalLong.empty();
        }
        boolean whole = value.isNumber() && (value.isIntegralNumber() || value.doubleValue() == Math.rint(value.doubleValue()));
        if (!whole) {
            throw wrong(name, "a whole number", value);
        }
        if (!value.canConvertToLong() || value.longValue() < least || value.longValue() > most) {
            throw bad(name, "must be %d to %d, and is %s".formatted(least, most, value.asText()));
        }
        return OptionalLong.of(value.longValue());
    }

    public OptionalDouble number(String name, double least, double most) {
        JsonNode value = member(name);
        if (value == null) {
            return OptionalDouble.empty();
        }
        if (!value.isNumber()) {
            throw wrong(name, "a number", value);
        }
        double number = value.doubleValue();
        if (!(number >= least && number <= most)) {
            throw bad(name, "must be %s to %s, and is %s".formatted(least, most, value.asText()));
        }
        return OptionalDouble.of(number);
    }

    public Optional<JsonInput> object(String name) {
        JsonNode value = member(name);
        if (value != null && !value.isObject()) {
            throw wrong(name, "an object", value);
        }
        return Optional.ofNullable(value).map(found -> new JsonInput(found, pathOf(name)));
    }

    public JsonInput requiredObject(String name) {
        return object(name).orElseThrow(() -> bad(name, "is missing"));
    }

    public boolean isString(String name) {
        JsonNode value = member(name);
        return value != null && value.isTextual();
    }

    public boolean isArray(String name) {
        JsonNode value = member(name);
        return value != null && value.isArray();
    }

    /// An array of objects; empty where there is none.
    public List<JsonInput> objects(String name) {
        List<JsonInput> objects = new ArrayList<>();
        for (JsonNode each : array(name)) {
            String place = "%s[%d]".formatted(pathOf(name), objects.size());
            if (!each.isObject()) {
                throw HttpFailure.badValue(place, "'%s' must be an object, and is %s".formatted(place, kind(each)));
            }
            objects.add(new JsonInput(each, place));
        }
        return objects;
    }

    /// An array of strings, or one string as an array of one; empty where there is none.
    public List<String> strings(String name) {
        if (isString(name)) {
            return List.of(requiredString(name));
        }
        List<String> strings = new ArrayList<>();
        for (JsonNode each : array(name)) {
            String member = "%s[%d]".formatted(name, strings.size());
            if (!each.isTextual()) {
                throw wrong(member, "a string", each);
            }
            strings.add(checked(member, each.textValue()));
        }
        return strings;
    }

    private Iterable<JsonNode> array(String name) {
        JsonNode value = member(name);
        if (value != null && !value.isArray()) {
            throw wrong(name, "an array", value);
        }
        return value == null ? List.of() : value;
    }
}
