package io.llatte.schema;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;

/// A string of one UTF-16 unit.
record CharacterShape() implements Shape {

    @Override
    public ObjectNode schema() {
        return Shape.ofType("string").put("minLength", 1).put("maxLength", 1);
    }

    @Override
    public Object read(JsonNode node, String at) {
        if (!node.isTextual() || node.textValue().length() != 1) {
            throw Shape.mismatch(node, at, "one character");
        }
        return node.textValue().charAt(0);
    }
}
