package io.llatte.llama;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.llatte.TemplateException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/// Every chat template of llama.cpp's source renders what llama-common itself renders, or is refused where that refuses.
/// `native/test/template_reference.cpp` writes the reference: the conversation, BOS, EOS and date must be the same there.
class ChatTemplateReferenceIT {

    private static final List<ChatMessage> CONVERSATION = List.of(
            ChatMessage.system("You are terse."), ChatMessage.user("What is 2+2?"), ChatMessage.assistant("4"),
            ChatMessage.user("And doubled? ✓"));
    private static final Instant DATE = Instant.ofEpochSecond(1_700_000_000);

    static Stream<Path> templates() throws IOException {
        try (Stream<Path> files = Files.list(LlamaCppSource.folder("models/templates"))) {
            return files.filter(file -> file.toString().endsWith(".jinja")).sorted().toList().stream();
        }
    }

    private static JsonNode reference() throws IOException {
        Path file = Path.of(System.getProperty("llatte.test.build"), "template-reference.json");
        assumeTrue(Files.isRegularFile(file), () -> file + " is missing: build with -DLLATTE_TESTS=ON");
        return new ObjectMapper().readTree(file.toFile());
    }

    @ParameterizedTest
    @MethodSource("templates")
    void rendersAsLlamaCppDoes(Path file) throws IOException {
        JsonNode expected = reference().get(file.getFileName().toString());
        String source = Files.readString(file);
        if (expected.has("error")) {
            assertThatExceptionOfType(TemplateException.class).isThrownBy(() -> render(source));
        } else {
            assertThat(render(source)).isEqualTo(expected.get("prompt").asText());
        }
    }

    private static String render(String source) {
        try (var template = ChatTemplate.parse(source, "<s>", "</s>")) {
            return template.render(ChatRequest.of(CONVERSATION).at(DATE)).prompt();
        }
    }

    @Test
    void noTemplateRefusesThisConversation() throws IOException {
        JsonNode reference = reference();
        long refused = reference.findValues("error").size();

        assertThat(reference.size()).isGreaterThan(40);
        assertThat(refused).isZero();
    }
}
