package io.llatte.demo.openai;

import io.llatte.ChatOptions;
import io.llatte.demo.http.HttpFailure;
import io.llatte.demo.http.JsonInput;
import io.llatte.demo.llm.ServedModels;
import io.llatte.llama.ChatMessage;
import io.llatte.llama.Media;
import io.llatte.llama.ToolCall;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/// What a request for a response asks for. The server keeps no responses: the whole conversation comes with each request.
///
/// @param body the request itself, parts of which the response repeats
record ResponsesInput(JsonInput body, List<ChatMessage> messages, ChatOptions options, boolean streams) {

    static ResponsesInput of(JsonInput body, ServedModels served) {
        for (String kept : List.of("previous_response_id", "conversation")) {
            if (body.has(kept)) {
                throw HttpFailure.unsupported(kept, "'%s' is not supported: this server keeps no responses; send the conversation as 'input'"
                        .formatted(kept));
            }
        }
        if (body.bool("background", false)) {
            throw HttpFailure.unsupported("background", "'background' is not supported");
        }
        ChatOptions.Builder options = SamplingInput.options(body, "max_output_tokens");
        ToolInput.into(options, body, tool -> tool);
        body.object("text").flatMap(text -> text.object("format"))
                .ifPresent(format -> options.constraint(FormatInput.constraint(format, format)));
        body.object("reasoning").ifPresent(reasoning -> reasoning.string("effort")
                .ifPresent(effort -> options.reasoning(ChatCompletionInput.reasoning(reasoning, effort))));
        served.forRequest(body.string("model")).ifPresent(options::model);
        return new ResponsesInput(body, messages(body), ChatCompletionInput.checked(options.build()), body.bool("stream", false));
    }

    private static List<ChatMessage> messages(JsonInput body) {
        List<ChatMessage> messages = new ArrayList<>();
        body.string("instructions").ifPresent(text -> messages.add(ChatMessage.system(text)));
        if (body.isString("input")) {
            messages.add(ChatMessage.user(body.requiredString("input")));
        } else if (body.objects("input").isEmpty()) {
            throw body.bad("input", "must be a text, or at least one item");
        } else {
            body.objects("input").forEach(item -> add(messages, item));
        }
        return messages;
    }

    private static void add(List<ChatMessage> messages, JsonInput item) {
        switch (item.string("type").orElse("message")) {
            case "message" -> messages.add(message(item));
            case "function_call" -> addCall(messages, item);
            case "function_call_output" -> messages.add(new ChatMessage("tool", text(item, "output", new ArrayList<>()), "", List.of(),
                    item.requiredString("call_id")));
            case "reasoning" -> { }     // The templates that tell a model its own thoughts are few, and their meaning differs.
            default -> throw HttpFailure.unsupported(item.pathOf("type"), "'%s' must be 'message', 'function_call', 'function_call_output' or 'reasoning'"
                    .formatted(item.pathOf("type")));
        }
    }

    private static ChatMessage message(JsonInput item) {
        String role = item.requiredString("role");
        List<Media> media = new ArrayList<>();
        if (!item.has("content")) {
            throw item.bad("content", "is missing");
        }
        String text = text(item, "content", media);
        return switch (role) {
            case "system", "developer" -> ChatMessage.system(text);
            case "user" -> new ChatMessage("user", text, "", List.of(), "", media);
            case "assistant" -> ChatMessage.assistant(text);
            default -> throw item.bad("role", "must be 'system', 'developer', 'user' or 'assistant', and is '%s'".formatted(role));
        };
    }

    /// Calls that follow one another are one turn of the model.
    private static void addCall(List<ChatMessage> messages, JsonInput item) {
        var call = new ToolCall(item.requiredString("call_id"), item.requiredString("name"), item.requiredString("arguments"));
        Optional<String> defect = call.defect();
        if (defect.isPresent()) {
            throw item.bad("arguments", "cannot be told to a model: " + defect.get());
        }
        ChatMessage last = messages.isEmpty() ? ChatMessage.user("") : messages.getLast();
        if (!last.role().equals("assistant")) {
            messages.add(new ChatMessage("assistant", "", "", List.of(call), ""));
            return;
        }
        List<ToolCall> calls = new ArrayList<>(last.toolCalls());
        calls.add(call);
        messages.set(messages.size() - 1, new ChatMessage("assistant", last.content(), last.reasoning(), calls, ""));
    }

    private static String text(JsonInput item, String name, List<Media> media) {
        if (!item.isArray(name)) {
            return item.string(name).orElse("");
        }
        var text = new StringBuilder();
        for (JsonInput part : item.objects(name)) {
            switch (part.requiredString("type")) {
                case "input_text", "output_text", "text" -> text.append(part.requiredString("text"));
                case "refusal" -> text.append(part.requiredString("refusal"));
                case "input_image" -> media.add(MediaInput.image(part, "image_url"));
                default -> throw HttpFailure.unsupported(part.pathOf("type"), "'%s' must be 'input_text', 'output_text' or 'input_image'"
                        .formatted(part.pathOf("type")));
            }
        }
        return text.toString();
    }
}
