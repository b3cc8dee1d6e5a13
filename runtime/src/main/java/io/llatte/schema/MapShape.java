package io.llatte.schema;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.Collections;
import java.util.LinkedHashMap;

/// Values of one shape by any names, in their order.
record MapShape(Shape value) implements Shape {

    @Override
    public ObjectNode schema() {
        ObjectNode schema = Shape.ofType("object");
        schema.set("additionalProperties", value.schema());
        return schema;
    }

    @Override
    public Object read(JsonNode node, String at) {
        if (!node.isObject()) {
            throw Shape.mismatch(node, at, "an object");
        }
        var values = new LinkedHashMap<String, Object>();
        node.properties().forEach(entry -> values.put(entry.getKey(), value.read(entry.getValue(), at + "." + entry.getKey())));
        return Collections.unmodifiableMap(values);
    }
}
