package io.llatte.schema;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.function.Function;

/// A value or null.
///
/// @param wrap makes the optional of what is there
record OptionalShape(Shape value, Object empty, Function<Object, Object> wrap) implements Shape {

    @Override
    public ObjectNode schema() {
        ObjectNode schema = JsonNodeFactory.instance.objectNode();
        schema.putArray("anyOf").add(value.schema()).add(Shape.ofType("null"));
        return schema;
    }

    @Override
    public Object read(JsonNode node, String at) {
        return node.isNull() ? empty : wrap.apply(value.read(node, at));
    }
}
