package io.llatte.llama;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.llatte.TemplateException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;

/// The conversations of llama.cpp's own test of chat formats, through our API: the same prompts, the same grammars, and the same readings of what models write,
/// whole and as it comes. The native build writes them down from that test (`native/test/chat_reference.cpp`).
class ChatReferenceIT {

    /// How many there are: fewer would be a test that has quietly lost some.
    private static final int LEAST_CASES = 600;
    private static final int LEAST_ANSWERS = 9000;

    private final Map<Integer, ChatTemplate> templates = new HashMap<>();

    @Test
    void everyConversation_isLlamaCpps() throws IOException {
        Path file = Path.of(System.getProperty("llatte.test.build"), "chat-reference.json");
        assumeTrue(Files.isRegularFile(file), () -> file + " is missing: build with -DLLATTE_TESTS=ON");
        JsonNode reference = new ObjectMapper().readTree(file.toFile());
        int cases = 0;
        int answers = 0;
        List<String> different = new ArrayList<>();
        try {
            for (JsonNode one : reference.path("cases")) {
                if (one.has("left_out")) {
                    continue;
                }
                int number = one.path("template").asInt();
                ChatTemplate template = templates.computeIfAbsent(number,
                        index -> ChatTemplate.parse(reference.path("templates").path(index).asText(), "", ""));
                cases++;
                answers += check(template, "case %d of template %d".formatted(cases, number), one, different);
            }
        } finally {
            templates.values().forEach(ChatTemplate::close);
        }
        assertThat(different).isEmpty();
        assertThat(cases).isGreaterThan(LEAST_CASES);
        assertThat(answers).isGreaterThan(LEAST_ANSWERS);
    }

    private static int check(ChatTemplate template, String name, JsonNode one, List<String> different) {
        JsonNode expected = one.path("expected");
        RenderedChat rendered = template.render(requestOf(one.path("request")));
        compare(different, name + ": prompt", expected.path("prompt").asText(), rendered.prompt());
        compare(different, name + ": grammar", expected.path("grammar").asText(), rendered.grammar());
        compare(different, name + ": lazy", expected.path("lazy").asBoolean(), rendered.grammarLazy());
        compare(different, name + ": stops", texts(expected.path("stops")), rendered.stop());
        compare(different, name + ": preserved", texts(expected.path("preserved")), rendered.preservedTokens());
        JsonNode syntax = ChatTemplate.parse(rendered.syntax());
        expected.path("syntax").properties().forEach(entry ->
                compare(different, name + ": " + entry.getKey(), entry.getValue(), syntax.path(entry.getKey())));
        int answers = 0;
        try (var parser = AnswerParser.of(rendered)) {
            for (JsonNode answer : one.path("answers")) {
                answers++;
                boolean partial = answer.path("partial").asBoolean();
                String text = answer.path("text").asText();
                String what = "%s: %s \"%s\"".formatted(name, partial ? "beginning" : "answer", text);
                try {
                    ChatMessage said = parser.parse(text, partial);
                    compare(different, what, answer.has("error") ? answer.path("error").asText() : messageOf(answer.path("message")), said);
                } catch (TemplateException e) {
                    compare(different, what, answer.has("error") ? "refused" : messageOf(answer.path("message")), "refused");
                }
            }
        }
        return answers;
    }

    private static void compare(List<String> different, String what, Object expected, Object actual) {
        if (!expected.equals(actual)) {
            different.add("%s%n expected %s%n      got %s".formatted(what, expected, actual));
        }
    }

    private static List<String> texts(JsonNode array) {
        return array.valueStream().map(JsonNode::asText).toList();
    }

    private static ChatMessage messageOf(JsonNode node) {
        List<ToolCall> calls = node.path("tool_calls").valueStream()
                .map(call -> new ToolCall(call.path("id").asText(), call.path("name").asText(), call.path("arguments").asText())).toList();
        return new ChatMessage(node.path("role").asText(), node.path("content").asText(), node.path("reasoning").asText(), calls,
                node.path("tool_call_id").asText());
    }

    private static ChatRequest requestOf(JsonNode node) {
        List<ToolDefinition> tools = node.path("tools").valueStream().map(tool -> new ToolDefinition(tool.path("name").asText(),
                tool.path("description").asText(), tool.path("parameters").asText())).toList();
        Map<String, String> arguments = new HashMap<>();
        node.path("arguments").properties().forEach(entry -> arguments.put(entry.getKey(), entry.getValue().asText()));
        String schema = node.path("json_schema").asText();
        return ChatRequest.builder(node.path("messages").valueStream().map(ChatReferenceIT::messageOf).toList()).tools(tools)
                .toolChoice(ToolChoice.valueOf(node.path("tool_choice").asText())).parallelToolCalls(node.path("parallel_tool_calls").asBoolean())
                .jsonSchema(schema.isEmpty() ? Optional.empty() : Optional.of(schema)).addGenerationPrompt(node.path("add_generation").asBoolean())
                .continuation(Continuation.values()[node.path("continuation").asInt()])
                .enableThinking(node.path("enable_thinking").asBoolean()).separateReasoning(node.path("separate_reasoning").asBoolean())
                .templateArguments(arguments).now(Instant.ofEpochSecond(node.path("now").asLong())).build();
    }
}
