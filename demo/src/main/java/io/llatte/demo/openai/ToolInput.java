package io.llatte.demo.openai;

import io.llatte.ChatOptions;
import io.llatte.demo.http.HttpFailure;
import io.llatte.demo.http.JsonInput;
import io.llatte.llama.ToolChoice;
import io.llatte.llama.ToolDefinition;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.Function;

/// The tools that a request lets the model call.
final class ToolInput {

    private static final String NO_PARAMETERS = "{\"type\":\"object\",\"properties\":{}}";

    private ToolInput() {
    }

    /// @param function where in a tool, or in a choice of one, its function stands: chat completions have it one level deeper than responses
    static void into(ChatOptions.Builder options, JsonInput body, Function<JsonInput, JsonInput> function) {
        List<ToolDefinition> tools = new ArrayList<>();
        for (JsonInput tool : body.objects("tools")) {
            String type = tool.requiredString("type");
            if (!type.equals("function")) {
                throw HttpFailure.unsupported(tool.pathOf("type"), "tools of the type '%s' are not supported: only 'function' is".formatted(type));
            }
            tools.add(definition(function.apply(tool)));
        }
        options.parallelToolCalls(body.bool("parallel_tool_calls", true));
        if (body.isString("tool_choice")) {
            options.tools(tools).toolChoice(switch (body.requiredString("tool_choice")) {
                case "auto" -> ToolChoice.AUTO;
                case "none" -> ToolChoice.NONE;
                case "required" -> required(body, tools);
                default -> throw body.bad("tool_choice", "must be 'auto', 'none', 'required' or a function");
            });
        } else if (body.has("tool_choice")) {
            JsonInput choice = function.apply(body.requiredObject("tool_choice"));
            String name = choice.requiredString("name");
            List<ToolDefinition> chosen = tools.stream().filter(tool -> tool.name().equals(name)).toList();
            if (chosen.isEmpty()) {
                throw choice.bad("name", "is '%s', and none of the %d tools is called so".formatted(name, tools.size()));
            }
            options.tools(chosen).toolChoice(ToolChoice.REQUIRED);
        } else {
            options.tools(tools);
        }
    }

    private static ToolChoice required(JsonInput body, List<ToolDefinition> tools) {
        if (tools.isEmpty()) {
            throw body.bad("tool_choice", "is 'required', and there are no tools");
        }
        return ToolChoice.REQUIRED;
    }

    private static ToolDefinition definition(JsonInput function) {
        String name = function.requiredString("name");
        if (!name.matches("[a-zA-Z0-9_.-]{1,128}")) {
            throw function.bad("name", "must be 1 to 128 letters, digits, '_', '.' and '-'");
        }
        Optional<String> parameters = function.object("parameters").flatMap(_ -> function.raw("parameters")).map(Object::toString);
        return new ToolDefinition(name, function.string("description").orElse(""), parameters.orElse(NO_PARAMETERS));
    }
}
