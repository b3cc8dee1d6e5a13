package io.llatte.schema;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.llatte.AnswerFormatException;

/// What a type is in JSON: its schema, and how a value is read. One thing does both, so that what the schema allows can be read.
interface Shape {

    /// A new node.
    ObjectNode schema();

    /// @param at the path to the node, for messages
    /// @throws AnswerFormatException if the node is not of this shape
    Object read(JsonNode node, String at);

    static ObjectNode ofType(String type) {
        return JsonNodeFactory.instance.objectNode().put("type", type);
    }

    static AnswerFormatException mismatch(JsonNode node, String at, String wanted) {
        String found = node.toString();
        return new AnswerFormatException("%s should be %s and is %s".formatted(at, wanted, node.isMissingNode() ? "missing"
                : found.length() > 60 ? found.substring(0, 60) + "…" : found));
    }
}
