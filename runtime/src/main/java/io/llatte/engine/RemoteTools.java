package io.llatte.engine;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.llatte.GrammarException;
import io.llatte.llama.ChatRequest;
import io.llatte.llama.ToolDefinition;
import java.util.Locale;

/// What a model may call, as OpenAI's protocol has it.
final class RemoteTools {

    private static final ObjectMapper JSON = new ObjectMapper();

    private RemoteTools() {
    }

    static void write(ObjectNode body, ChatRequest chat) {
        if (chat.tools().isEmpty()) {
            return;
        }
        var tools = body.putArray("tools");
        for (ToolDefinition tool : chat.tools()) {
            ObjectNode function = tools.addObject().put("type", "function").putObject("function").put("name", tool.name())
                    .put("description", tool.description());
            try {
                function.set("parameters", JSON.readTree(tool.parameters()));
            } catch (JsonProcessingException e) {
                throw new GrammarException("the parameters of the tool %s are not JSON: %s".formatted(tool.name(), e.getOriginalMessage()), e);
            }
        }
        body.put("tool_choice", chat.toolChoice().name().toLowerCase(Locale.ROOT)).put("parallel_tool_calls", chat.parallelToolCalls());
    }
}
