package io.llatte.schema;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.llatte.AnswerFormatException;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.Function;

/// Properties in their order, all of them and no others.
///
/// @param tag what the property `type` must say, before all others; empty where there is none
/// @param properties by name, in their order
/// @param build makes the value of the properties' values; what it throws is a reason to refuse them
record ObjectShape(Optional<String> tag, Map<String, Property> properties, Function<Object[], Object> build) implements Shape {

    static final String TAG = "type";

    record Property(Shape shape, Optional<String> description) {
    }

    @Override
    public ObjectNode schema() {
        ObjectNode schema = Shape.ofType("object");
        ObjectNode described = schema.putObject("properties");
        ArrayNode required = JsonNodeFactory.instance.arrayNode();
        tag.ifPresent(name -> {
            described.putObject(TAG).put("const", name);
            required.add(TAG);
        });
        properties.forEach((name, property) -> {
            ObjectNode one = property.shape.schema();
            property.description.ifPresent(text -> one.put("description", text));
            described.set(name, one);
            required.add(name);
        });
        schema.set("required", required);
        return schema.put("additionalProperties", false);
    }

    @Override
    public Object read(JsonNode node, String at) {
        if (!node.isObject()) {
            throw Shape.mismatch(node, at, "an object");
        }
        checkNames(node, at);
        Object[] values = new Object[properties.size()];
        int i = 0;
        for (var property : properties.entrySet()) {
            values[i++] = property.getValue().shape.read(node.get(property.getKey()), at + "." + property.getKey());
        }
        try {
            return build.apply(values);
        } catch (RuntimeException e) {
            throw new AnswerFormatException("%s is refused: %s".formatted(at, e.getMessage()), e);
        }
    }

    private void checkNames(JsonNode node, String at) {
        Set<String> missing = new TreeSet<>(properties.keySet());
        Set<String> unknown = new TreeSet<>();
        tag.ifPresent(_ -> missing.add(TAG));
        node.fieldNames().forEachRemaining(name -> {
            if (!missing.remove(name)) {
                unknown.add(name);
            }
        });
        if (!missing.isEmpty() || !unknown.isEmpty()) {
            throw new AnswerFormatException("%s lacks %s and has %s besides".formatted(at, missing, unknown));
        }
        if (tag.isPresent() && !tag.get().equals(node.get(TAG).textValue())) {
            throw Shape.mismatch(node.get(TAG), at + "." + TAG, tag.get());
        }
    }
}
