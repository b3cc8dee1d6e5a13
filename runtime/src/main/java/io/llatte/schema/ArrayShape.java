package io.llatte.schema;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Function;

/// Elements of one shape.
///
/// @param collect makes the list, set or array of them
record ArrayShape(Shape element, Bounds bounds, Function<List<Object>, Object> collect) implements Shape {

    @Override
    public ObjectNode schema() {
        ObjectNode schema = Shape.ofType("array");
        schema.set("items", element.schema());
        bounds.describeSize(schema, "minItems", "maxItems");
        return schema;
    }

    @Override
    public Object read(JsonNode node, String at) {
        if (!node.isArray()) {
            throw Shape.mismatch(node, at, "an array");
        }
        bounds.checkSize(node.size(), at);
        var elements = new ArrayList<>(node.size());
        for (int i = 0; i < node.size(); i++) {
            elements.add(element.read(node.get(i), at + "[" + i + "]"));
        }
        return collect.apply(elements);
    }
}
