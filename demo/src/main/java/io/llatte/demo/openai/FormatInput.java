package io.llatte.demo.openai;

import io.llatte.demo.http.JsonInput;
import io.llatte.llama.Constraint;

/// What a request's answer must look like.
final class FormatInput {

    private static final String ANY_OBJECT = "{\"type\":\"object\"}";

    private FormatInput() {
    }

    /// @param format `response_format`, or what responses call `text.format`
    /// @param schema where the schema stands in it
    static Constraint constraint(JsonInput format, JsonInput schema) {
        return switch (format.requiredString("type")) {
            case "text" -> Constraint.none();
            case "json_object" -> Constraint.jsonSchema(ANY_OBJECT);
            case "json_schema" -> {
                schema.requiredObject("schema");
                yield Constraint.jsonSchema(schema.raw("schema").orElseThrow().toString());
            }
            default -> throw format.bad("type", "must be 'text', 'json_object' or 'json_schema'");
        };
    }
}
