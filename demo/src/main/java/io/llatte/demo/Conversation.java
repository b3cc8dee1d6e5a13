package io.llatte.demo;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.llatte.llama.ChatMessage;
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

    void add(ChatMessage question, String answer) {
        turns.add(question);
        turns.add(ChatMessage.assistant(answer));
    }

    void clear() {
        turns.clear();
    }

    /// Writes the conversation, without its pictures; the file appears, or changes, when it is whole.
    void save(Path file, String model) throws IOException {
        ObjectNode root = JSON.createObjectNode().put("format", FORMAT).put("version", VERSION).put("model", model);
        var list = root.putArray("messages");
        messages().forEach(message -> list.addObject().put("role", message.role()).put("content", message.content()));
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
                case "user", "assistant" -> conversation.turns.add(ChatMessage.of(role, content));
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
