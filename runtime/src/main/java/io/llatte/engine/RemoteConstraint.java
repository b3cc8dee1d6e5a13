package io.llatte.engine;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.llatte.GrammarException;
import io.llatte.llama.Constraint;

/// How a server is told what an answer must look like.
final class RemoteConstraint {

    private static final ObjectMapper JSON = new ObjectMapper();

    private RemoteConstraint() {
    }

    /// The part of a request's body; null where nothing is to be said.
    ///
    /// @throws UnsupportedOperationException if OpenAI's protocol cannot say it
    /// @throws GrammarException if the schema is no JSON object
    static ObjectNode of(Constraint constraint, Prompt prompt) {
        return switch (constraint) {
            case Constraint.None() -> null;
            case Constraint.JsonSchema(var schema) when prompt instanceof Prompt.Chat -> responseFormat(schema);
            case Constraint.JsonSchema _ ->
                throw new UnsupportedOperationException("a server follows a JSON schema in a conversation, not in a completion");
            case Constraint.Grammar _, Constraint.Regex _ ->
                throw new UnsupportedOperationException("a server follows a JSON schema, and no grammar or regular expression");
        };
    }

    private static ObjectNode responseFormat(String schema) {
        JsonNode tree;
        try {
            tree = JSON.readTree(schema);
        } catch (JsonProcessingException e) {
            throw new GrammarException("the schema is no JSON: " + e.getOriginalMessage(), e);
        }
        if (!tree.isObject()) {
            throw new GrammarException("the schema is no JSON object");
        }
        ObjectNode format = JSON.createObjectNode().put("type", "json_schema");
        format.putObject("json_schema").put("name", "answer").put("strict", true).set("schema", tree);
        return format;
    }
}
