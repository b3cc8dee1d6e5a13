package io.llatte.demo;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.llatte.llama.ChatMessage;
import io.llatte.llama.ToolCall;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ConversationTest {

    @TempDir
    private Path folder;

    @Test
    void savedConversation_comesBack() throws IOException {
        var conversation = new Conversation("Be brief.");
        conversation.add(ChatMessage.user("Grüße 🦙"), List.of(new ChatMessage("assistant", "", "", List.of(new ToolCall("1", "now", "{}")), ""),
                new ChatMessage("tool", "noon", "", List.of(), "1"), ChatMessage.assistant("Hello\n\"you\"")));
        Path file = folder.resolve("chat.json");
        conversation.save(file, "tiny");
        conversation.save(file, "tiny");
        Conversation loaded = Conversation.load(file);
        assertThat(loaded.system()).isEqualTo("Be brief.");
        assertThat(loaded.messages()).isEqualTo(conversation.messages());
        assertThat(folder).isDirectoryContaining("glob:**/chat.json").satisfies(f -> assertThat(f.toFile().list()).hasSize(1));
    }

    @Test
    void questionBeforeItsAnswer_isNoPartOfIt() {
        var conversation = new Conversation(null);
        assertThat(conversation.messagesWith(ChatMessage.user("Hello?"))).containsExactly(ChatMessage.user("Hello?"));
        assertThat(conversation.messages()).isEmpty();
    }

    @Test
    void otherFiles_areRefused() throws IOException {
        Path file = folder.resolve("chat.json");
        assertThatThrownBy(() -> Conversation.load(file)).isInstanceOf(NoSuchFileException.class);
        Files.writeString(file, "{\"messages\": [");
        assertThatThrownBy(() -> Conversation.load(file)).isInstanceOf(CommandException.class).hasMessageContaining("line 1");
        Files.writeString(file, "{\"messages\": []}");
        assertThatThrownBy(() -> Conversation.load(file)).isInstanceOf(CommandException.class).hasMessageContaining("not a saved conversation");
        Files.writeString(file, "{\"format\":\"llatte-conversation\",\"version\":1,\"messages\":[{\"role\":\"root\",\"content\":\"\"}]}");
        assertThatThrownBy(() -> Conversation.load(file)).isInstanceOf(CommandException.class).hasMessageContaining("\"root\"");
    }
}
