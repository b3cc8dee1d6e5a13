package io.llatte.llama;

/// A call of a tool that a model asked for.
///
/// @param id the call's id, or ""
/// @param name the tool's name
/// @param arguments the arguments as a JSON object
public record ToolCall(String id, String name, String arguments) {
}
