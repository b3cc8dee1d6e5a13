package io.llatte.demo;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.llatte.llama.ChatMessage;
import io.llatte.llama.ToolCall;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;

/// What was said so far: a system text, if there is one, and turns of user and assistant.
final class Conversation {

    private static final ObjectMapper JSON = new ObjectMapper();
    private static final String FORMAT = "llatte-conversation";
    private static final int VERSION = 1;

    private String system;
    private final List<ChatMessage> turns = new ArrayList<>();

    Conversation(String system) {
        this.system = system == null ? "" : system;
    }

    String system() {
        return system;
    }

    void system(String text) {
        system = text;
    }

    List<ChatMessage> turns() {
        return List.copyOf(turns);
    }

    /// Everything, as a chat template takes it.
    List<ChatMessage> messages() {
        var messages = new ArrayList<ChatMessage>();
        if (!system.isBlank()) {
            messages.add(ChatMessage.system(system));
        }
        messages.addAll(turns);
        return messages;
    }

    /// Everything and a new question, which is not part of the conversation before it is answered.
    List<ChatMessage> messagesWith(ChatMessage question) {
        List<ChatMessage> messages = messages();
        messages.add(question);
        return messages;
    }

    /// A question and what came of it: the answer, and before it, where tools were called, the calls and their results.
    void add(ChatMessage question, List<ChatMessage> answer) {
        turns.add(question);
        turns.addAll(answer);
    }

    void clear() {
        turns.clear();
    }

    /// Writes the conversation, without its pictures; the file appears, or changes, when it is whole.
    void save(Path file, String model) throws IOException {
        ObjectNode root = JSON.createObjectNode().put("format", FORMAT).put("version", VERSION).put("model", model);
        var list = root.putArray("messages");
        messages().forEach(message -> write(list.addObject(), message));
        Path target = file.toAbsolutePath();
        Path part = Files.createTempFile(target.getParent(), "." + target.getFileName(), ".part");
        try {
            Files.write(part, JSON.writerWithDefaultPrettyPrinter().writeValueAsBytes(root));
            try (FileChannel channel = FileChannel.open(part, StandardOpenOption.WRITE)) {
                channel.force(true);
            }
            Files.move(part, target, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
        } finally {
            Files.deleteIfExists(part);
        }
    }

    private static void write(ObjectNode turn, ChatMessage message) {
        turn.put("role", message.role()).put("content", message.content());
        if (!message.toolCallId().isEmpty()) {
            turn.put("toolCallId", message.toolCallId());
        }
        if (!message.toolCalls().isEmpty()) {
            var calls = turn.putArray("toolCalls");
            message.toolCalls().forEach(call -> calls.addObject().put("id", call.id()).put("name", call.name()).put("arguments", call.arguments()));
        }
    }

    private static ChatMessage read(JsonNode turn, String role) {
        List<ToolCall> calls = new ArrayList<>();
        turn.path("toolCalls").forEach(call -> calls.add(new ToolCall(call.path("id").asText(), call.path("name").asText(),
                call.path("arguments").asText())));
        return new ChatMessage(role, turn.path("content").asText(), "", calls, turn.path("toolCallId").asText(""));
    }

    /// Reads a saved conversation.
    ///
    /// @throws CommandException if the file is no such conversation
    static Conversation load(Path file) throws IOException {
        JsonNode root = read(file);
        if (!FORMAT.equals(root.path("format").asText()) || root.path("version").asInt() != VERSION) {
            throw new CommandException("%s is not a saved conversation of version %d".formatted(file, VERSION));
        }
        var conversation = new Conversation("");
        for (JsonNode message : root.path("messages")) {
            String role = message.path("role").asText();
            String content = message.path("content").asText();
            switch (role) {
                case "system" -> conversation.system(content);
                case "user", "assistant", "tool" -> conversation.turns.add(read(message, role));
                default -> throw new CommandException("%s has a message with the role \"%s\"".formatted(file, role));
            }
        }
        return conversation;
    }

    private static JsonNode read(Path file) throws IOException {
        try {
            return JSON.readTree(Files.readAllBytes(file));
        } catch (com.fasterxml.jackson.core.JsonProcessingException e) {
            throw new CommandException("%s is not JSON: line %d, column %d".formatted(file, e.getLocation().getLineNr(),
                    e.getLocation().getColumnNr()));
        }
    }
}
