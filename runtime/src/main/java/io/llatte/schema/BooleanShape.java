package io.llatte.schema;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;

/// `true` or `false`.
record BooleanShape() implements Shape {

    @Override
    public ObjectNode schema() {
        return Shape.ofType("boolean");
    }

    @Override
    public Object read(JsonNode node, String at) {
        if (!node.isBoolean()) {
            throw Shape.mismatch(node, at, "true or false");
        }
        return node.booleanValue();
    }
}
