package io.llatte.tools;

import io.llatte.llama.ToolDefinition;
import io.llatte.schema.JsonSchema;
import java.util.List;
import java.util.Objects;

/// A tool: what the model is told of it, and what runs when it is called.
///
/// @param definition its name, description and arguments
/// @param function what it does
public record Tool(ToolDefinition definition, ToolFunction function) {

    public Tool {
        Objects.requireNonNull(definition, "definition");
        Objects.requireNonNull(function, "function");
    }

    /// @param parameters the schema of an object: the tool's arguments
    public static Tool of(String name, String description, JsonSchema parameters, ToolFunction function) {
        return new Tool(new ToolDefinition(name, description, parameters.text()), function);
    }

    /// The methods of an object that are marked with [ToolMethod], in the order of their names.
    ///
    /// @throws IllegalArgumentException if there is none, or a parameter has no schema
    public static List<Tool> of(Object target) {
        return MethodTool.allOf(target);
    }

    public String name() {
        return definition.name();
    }
}
