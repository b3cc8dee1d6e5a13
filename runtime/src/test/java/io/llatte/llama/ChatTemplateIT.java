package io.llatte.llama;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;

import io.llatte.TemplateException;
import io.llatte.memory.DeviceArena;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

class ChatTemplateIT {

    private static final String CHATML = """
            {% for message in messages %}<|im_start|>{{ message.role }}
            {{ message.content }}<|im_end|>
            {% endfor %}{% if add_generation_prompt %}<|im_start|>assistant
            {% endif %}""";

    @Test
    void render_writesEachTurnAndThePlaceForTheAnswer() {
        try (var template = ChatTemplate.parse(CHATML, "", "")) {
            assertThat(template.render(List.of(ChatMessage.system("Be brief."), ChatMessage.user("Grüße 👋"))))
                    .isEqualTo("<|im_start|>system\nBe brief.<|im_end|>\n<|im_start|>user\nGrüße 👋<|im_end|>\n<|im_start|>assistant\n");
            assertThat(template.source()).isEqualTo(CHATML);
        }
    }

    @Test
    void withoutGenerationPrompt_endsAfterTheLastTurn() {
        try (var template = ChatTemplate.parse(CHATML, "", "")) {
            var request = ChatRequest.of(List.of(ChatMessage.user("hi"))).withoutGenerationPrompt();

            assertThat(template.render(request).prompt()).isEqualTo("<|im_start|>user\nhi<|im_end|>\n");
        }
    }

    @Test
    void parse_readsPlainTextAsTheAnswer() {
        try (var template = ChatTemplate.parse(CHATML, "", "")) {
            var rendered = template.render(ChatRequest.of(List.of(ChatMessage.user("hi"))));

            assertThat(ChatTemplate.parse(rendered, "Hello there.", false)).isEqualTo(ChatMessage.assistant("Hello there."));
        }
    }

    @Test
    void result_saysWhichToolWasCalled() {
        try (var template = ChatTemplate.parse("{% for message in messages %}{{ message.role }}={{ message.name }} {% endfor %}", "", "")) {
            var calls = new ChatMessage("assistant", "", "", List.of(new ToolCall("a", "sun", "{}"), new ToolCall("b", "rain", "{}"),
                    new ToolCall("", "hail", "{}")), "");
            var results = List.of("b", "a", "c", "").stream().map(id -> new ChatMessage("tool", "wet", "", List.of(), id));
            assertThat(template.render(Stream.concat(Stream.of(ChatMessage.user("hi"), calls), results).toList()))
                    .isEqualTo("user= assistant= tool=rain tool=sun tool= tool= ");
        }
    }

    @Test
    void requiredCall_isRefused_whereTheTemplateKnowsNone() {
        try (var template = ChatTemplate.parse(CHATML, "", "")) {
            var request = ChatRequest.builder(List.of(ChatMessage.user("hi")))
                    .tools(List.of(new ToolDefinition("sun", "Shines", "{\"type\":\"object\"}")));

            assertThat(template.render(request.build()).prompt()).contains("hi");
            assertThatExceptionOfType(TemplateException.class).isThrownBy(() -> template.render(request.toolChoice(ToolChoice.REQUIRED).build()))
                    .withMessageContaining("1 tools");
        }
    }

    @Test
    void brokenTemplates_areRefusedWithTheReason() {
        for (String source : List.of("", "{% for x in %}", "{{ unclosed", "{% if a %}", "{{" + "(".repeat(100_000) + ")".repeat(100_000) + "}}",
                "{% if true %}".repeat(100_000) + "{% endif %}".repeat(100_000))) {
            assertThatExceptionOfType(TemplateException.class).as(source.substring(0, Math.min(30, source.length()))).isThrownBy(() -> {
                try (var template = ChatTemplate.parse(source, "", "")) {
                    template.render(List.of(ChatMessage.user("hi")));
                }
            });
        }
    }

    @Test
    void templateThatRefusesAConversation_isHeard() {
        try (var template = ChatTemplate.parse("{{ raise_exception('no such turn') }}", "", "")) {
            assertThatExceptionOfType(TemplateException.class).isThrownBy(() -> template.render(List.of(ChatMessage.user("hi"))))
                    .withMessageContaining("no such turn");
        }
    }

    @Test
    void modelWithoutATemplate_saysSo() {
        try (var arena = DeviceArena.open(); var model = Model.load(TinyModels.llama(), arena)) {
            assertThat(model.chatTemplateSource()).isEmpty();
            assertThatExceptionOfType(TemplateException.class).isThrownBy(() -> ChatTemplate.of(model)).withMessageContaining("no chat template");
            try (var given = ChatTemplate.of(model, CHATML)) {
                assertThat(given.render(List.of(ChatMessage.user("hi")))).contains("hi");
            }
        }
    }

    @Test
    void closed_isRefused() {
        var template = ChatTemplate.parse(CHATML, "", "");
        template.close();
        template.close();

        assertThatIllegalStateException().isThrownBy(() -> template.render(List.of(ChatMessage.user("hi")))).withMessageContaining("closed");
    }
}
