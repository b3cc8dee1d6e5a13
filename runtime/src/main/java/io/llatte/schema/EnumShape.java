package io.llatte.schema;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.Map;

/// One of an enum's constants by its name.
///
/// @param constants by name, in their order
record EnumShape(Map<String, Object> constants) implements Shape {

    @Override
    public ObjectNode schema() {
        ObjectNode schema = Shape.ofType("string");
        constants.keySet().forEach(schema.putArray("enum")::add);
        return schema;
    }

    @Override
    public Object read(JsonNode node, String at) {
        Object constant = constants.get(node.textValue());
        if (constant == null) {
            throw Shape.mismatch(node, at, "one of " + constants.keySet());
        }
        return constant;
    }
}
