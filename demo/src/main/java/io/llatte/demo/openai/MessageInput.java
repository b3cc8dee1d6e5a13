package io.llatte.demo.openai;

import io.llatte.demo.http.HttpFailure;
import io.llatte.demo.http.JsonInput;
import io.llatte.llama.ChatMessage;
import io.llatte.llama.Media;
import io.llatte.llama.ToolCall;
import java.util.ArrayList;
import java.util.List;

/// The conversation of a chat completion.
final class MessageInput {

    private MessageInput() {
    }

    static List<ChatMessage> messages(JsonInput body) {
        if (!body.has("messages")) {
            throw body.bad("messages", "is missing");
        }
        List<ChatMessage> messages = body.objects("messages").stream().map(MessageInput::message).toList();
        if (messages.isEmpty()) {
            throw body.bad("messages", "must have at least one message");
        }
        return messages;
    }

    private static ChatMessage message(JsonInput message) {
        String role = message.requiredString("role");
        List<ToolCall> calls = message.objects("tool_calls").stream().map(MessageInput::call).toList();
        List<Media> media = new ArrayList<>();
        String content = content(message, media);
        switch (role) {
            case "system", "developer", "user" -> {
                if (!message.has("content")) {
                    throw message.bad("content", "is missing");
                }
            }
            case "assistant" -> {
                if (!message.has("content") && calls.isEmpty()) {
                    throw message.bad("content", "is missing, and there are no tool_calls");
                }
            }
            case "tool" -> message.requiredString("tool_call_id");
            default -> throw message.bad("role", "must be 'system', 'developer', 'user', 'assistant' or 'tool', and is '%s'".formatted(role));
        }
        return new ChatMessage(role.equals("developer") ? "system" : role, content, message.string("reasoning_content").orElse(""), calls,
                message.string("tool_call_id").orElse(""), media);
    }

    private static String content(JsonInput message, List<Media> media) {
        if (!message.isArray("content")) {
            return message.string("content").orElse("");
        }
        var text = new StringBuilder();
        for (JsonInput part : message.objects("content")) {
            switch (part.requiredString("type")) {
                case "text" -> text.append(part.requiredString("text"));
                case "refusal" -> text.append(part.requiredString("refusal"));
                case "image_url" -> media.add(MediaInput.image(part.requiredObject("image_url"), "url"));
                case "input_audio" -> media.add(MediaInput.audio(part.requiredObject("input_audio"), "data"));
                default -> throw HttpFailure.unsupported(part.pathOf("type"), "'%s' must be 'text', 'image_url' or 'input_audio'"
                        .formatted(part.pathOf("type")));
            }
        }
        return text.toString();
    }

    private static ToolCall call(JsonInput call) {
        JsonInput function = call.requiredObject("function");
        var read = new ToolCall(call.string("id").orElse(""), function.requiredString("name"), function.requiredString("arguments"));
        read.defect().ifPresent(defect -> {
            throw function.bad("arguments", "cannot be told to a model: " + defect);
        });
        return read;
    }
}
