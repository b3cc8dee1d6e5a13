package io.llatte.llama;

import java.util.Objects;

/// A tool that a model may call, as it is told to the model.
///
/// @param name unique among a request's tools
/// @param description what it does and when to call it, in words for the model
/// @param parameters a JSON schema of an object: its arguments
public record ToolDefinition(String name, String description, String parameters) {

    public ToolDefinition {
        if (name.isBlank()) {
            throw new IllegalArgumentException("a tool needs a name");
        }
        Objects.requireNonNull(description, "description");
        Objects.requireNonNull(parameters, "parameters");
    }
}
