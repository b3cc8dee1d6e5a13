package io.llatte.llama;

import static org.assertj.core.api.Assertions.assertThat;

import io.llatte.TemplateException;
import java.io.IOException;
import java.nio.file.Files;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/// What [ToolCall#defect] finds is what a template that reads a call's arguments refuses, and nothing else.
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class ToolCallDefectIT {

    private ChatTemplate template;

    @BeforeAll
    void parse() throws IOException {
        template = ChatTemplate.parse(Files.readString(LlamaCppSource.folder("models/templates").resolve("google-gemma-4-31B-it.jinja")), "", "");
    }

    @AfterAll
    void close() {
        template.close();
    }

    private boolean renders(String arguments) {
        var call = new ChatMessage("assistant", "", "", List.of(new ToolCall("a", "trip", arguments)), "");
        var result = new ChatMessage("tool", "booked", "", List.of(), "a");
        try {
            return template.render(List.of(ChatMessage.user("Where to?"), call, result)).contains("response:trip{");
        } catch (TemplateException e) {
            return false;
        }
    }

    static List<String> readable() {
        return List.of("{}", " {\n} ", "{\"a\": [1, -2.5e3, true, null, {\"b\": \"\\u00e9\\n👋\"}]}", "{\"a\": 1, \"a\": 2}", "{\"\": \"\"}",
                "{\"a\": 123456789012345678901234567890}", "{\"a\": 1e308, \"b\": 1e-999}", "{\"a\": \"\\ud83d\\udc4b\"}",
                "{\"a\": %s1%s}".formatted("[".repeat(100), "]".repeat(100)));
    }

    static List<String> unreadable() {
        return List.of("", "{", "{\"a\": }", "{\"a\": 1",
                "{\"a\": 76E64538315}", "{\"a\": -1e999}", "{\"a\": 01}", "{\"a\": NaN}", "{a: 1}", "{'a': 1}",
                "{\"a\": 1,}", "{} x", "{} {}", "{}}", "{\"a\": \"\\ud83d\"}", "{\"a\": \"\\udc4bx\"}", "{\"\\ud83d\": 1}", "{\"a\": \"\\x\"}",
                "{\"a\": \"\n\"}", "{\"a\": %s1%s}".formatted("[".repeat(200), "]".repeat(200)), "{\"a\": // no\n 1}");
    }

    @ParameterizedTest
    @MethodSource("readable")
    void whatHasNone_isRendered(String arguments) {
        assertThat(renders(arguments)).isTrue();
        assertThat(new ToolCall("a", "trip", arguments).defect()).isEmpty();
    }

    @ParameterizedTest
    @MethodSource("unreadable")
    void whatHasOne_isNot(String arguments) {
        assertThat(renders(arguments)).isFalse();
        assertThat(new ToolCall("a", "trip", arguments).defect()).isPresent();
    }
}
