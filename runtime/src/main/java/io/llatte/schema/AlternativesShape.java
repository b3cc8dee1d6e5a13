package io.llatte.schema;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.Map;

/// One of several objects, which the property `type` tells apart.
///
/// @param alternatives by what `type` says
record AlternativesShape(Map<String, ObjectShape> alternatives) implements Shape {

    @Override
    public ObjectNode schema() {
        ObjectNode schema = JsonNodeFactory.instance.objectNode();
        ArrayNode list = schema.putArray("anyOf");
        alternatives.values().forEach(one -> list.add(one.schema()));
        return schema;
    }

    @Override
    public Object read(JsonNode node, String at) {
        ObjectShape chosen = alternatives.get(node.path(ObjectShape.TAG).textValue());
        if (chosen == null) {
            throw Shape.mismatch(node.path(ObjectShape.TAG), at + "." + ObjectShape.TAG, "one of " + alternatives.keySet());
        }
        return chosen.read(node, at);
    }
}
