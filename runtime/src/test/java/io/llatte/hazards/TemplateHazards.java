package io.llatte.hazards;

import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import io.llatte.TemplateException;
import io.llatte.llama.ChatMessage;
import io.llatte.llama.ChatRequest;
import io.llatte.llama.ChatTemplate;
import io.llatte.llama.RenderedChat;
import io.llatte.llama.ToolCall;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;

/// Templates, which come with model files, and texts, which models write: neither is to be trusted.
final class TemplateHazards extends Hazards {

    private static final String CHATML = "{% for message in messages %}<|im_start|>{{ message.role }}\n{{ message.content }}<|im_end|>\n{% endfor %}";

    private static void use(String source) {
        try (var template = ChatTemplate.parse(source, "<s>", "</s>")) {
            template.render(List.of(ChatMessage.system("Be brief."), ChatMessage.user("hi"), ChatMessage.assistant("hello"), ChatMessage.user("bye")));
        }
    }

    private static void refusedAsTemplate(String source) {
        assertThatExceptionOfType(TemplateException.class).as(source.substring(0, Math.min(60, source.length()))).isThrownBy(() -> use(source));
    }

    void templatesThatCannotBeParsed() {
        for (String source : List.of("", "{{", "{% if %}", "{% for x in %}", "{% for %}{% endfor %}", "{% if true %}", "{{ ( }}", "{{ 'x }}", "{% endif %}")) {
            refusedAsTemplate(source);
        }
        survived(() -> use("\0"));
        survived(() -> use("{% unknown %}"));
        survived(() -> use("{{ '\ud800' }}"));
    }

    void whatIsNotDefined() {
        for (String source : List.of("{{ nothing.at.all }}", "{{ nothing() }}", "{{ nothing | upper }}", "{{ messages[99].content }}", "{{ messages[-99] }}",
                "{{ messages.content.x }}", "{{ none.x }}", "{{ 'a' | nothing }}", "{{ 'a' is nothing }}", "{{ {}[[]] }}", "{{ [] + {} }}", "{{ 1 / 0 }}", "{{ 1 % 0 }}",
                "{{ 1 // 0 }}", "{{ 'a' * -1 }}", "{{ 'a'[99:-99:-1] }}", "{{ 'a'[::0] }}", "{{ -9223372036854775808 // -1 }}", "{{ -9223372036854775808 % -1 }}",
                "{{ 9223372036854775807 + 1 }}", "{{ 9999999999999999999999 }}", "{{ messages | tojson(indent=-5) }}", "{{ strftime_now('%' ~ 'Q') }}",
                "{{ strftime_now('%Y' * 10000) }}", "{{ messages | map(attribute='x.y.z') | list }}", "{{ messages | sort(attribute='nope') }}",
                "{{ namespace(a=1).b.c }}", "{% set x.y = 1 %}", "{% set messages = 5 %}{% for m in messages %}{% endfor %}")) {
            HazardProgram.detail(source);
            survived(() -> use(source));
        }
        refusedAsTemplate("{{ raise_exception('no') }}");
    }

    void templatesNestedDeeply() {
        for (int n : List.of(50, 250, 1000, 20_000, 100_000)) {
            for (String source : List.of("{{ " + "(".repeat(n) + "1" + ")".repeat(n) + " }}", "{{ " + "[".repeat(n) + "]".repeat(n) + " }}",
                    "{{ " + "{'a':".repeat(n) + "1" + "}".repeat(n) + " }}", "{% if a %}".repeat(n) + "{% endif %}".repeat(n), "{%if a%}".repeat(n),
                    "{% for a in [1] %}".repeat(n) + "x" + "{% endfor %}".repeat(n), "{{ " + "not ".repeat(n) + "a }}", "{{ " + "-".repeat(n) + "1 }}",
                    "{{ " + "a if b else ".repeat(n) + "c }}", "{{ messages" + "[0]".repeat(n) + " }}", "{{ 'a'" + "|trim".repeat(n) + " }}",
                    "{{ 1" + " + 1".repeat(n) + " }}", "{{ 'a'" + " ~ 'a'".repeat(n) + " }}", "{{ a" + " and a".repeat(n) + " }}", "{{ a" + ".b".repeat(n) + " }}",
                    "{% if a %}" + "{% elif a %}".repeat(n) + "{% endif %}", "{% set x %}".repeat(n) + "{% endset %}".repeat(n),
                    "{% filter trim %}".repeat(n) + "{% endfilter %}".repeat(n), "{{ 'a'" + ".strip()".repeat(n) + " }}")) {
                HazardProgram.detail(n + " " + source.substring(0, 24));
                survived(() -> use(source));
            }
        }
    }

    void conversationsThatAreOdd() {
        String long1 = "x".repeat(3_000_000);
        try (var template = ChatTemplate.parse(CHATML, "", "")) {
            survived(() -> template.render(List.of()));
            survived(() -> template.render(List.of(ChatMessage.of("\0", "\0\ud800"))));
            survived(() -> template.render(List.of(ChatMessage.user(long1))));
            survived(() -> template.render(new ArrayList<>(Collections.nCopies(20_000, ChatMessage.user("hi")))));
            survived(() -> template.render(ChatRequest.of(List.of(ChatMessage.user("hi"))).at(Instant.MAX)));
            survived(() -> template.render(ChatRequest.of(List.of(ChatMessage.user("hi"))).at(Instant.MIN)));
            survived(() -> template.render(ChatRequest.of(List.of(ChatMessage.user("hi"))).at(Instant.ofEpochSecond(-1))));
            for (String arguments : List.of("", "{", "[".repeat(100_000), "{\"a\":".repeat(100_000), "null", "5", "{\"a\": 1}")) {
                var call = new ChatMessage("assistant", "", "", List.of(new ToolCall("1", "f", arguments)), "");
                survived(() -> template.render(List.of(ChatMessage.user("hi"), call, new ChatMessage("tool", "x", "", List.of(), "1"))));
            }
        }
    }

    void whatAModelWrote() {
        var random = new Random(9);
        try (var template = ChatTemplate.parse(CHATML + "{% if tools %}<tool_call>{{ tools | tojson }}</tool_call>{% endif %}<think>", "", "")) {
            var rendered = template.render(ChatRequest.of(List.of(ChatMessage.user("hi"))));
            for (boolean partial : List.of(true, false)) {
                for (String text : List.of("", "\0", "<think>", "</think>", "<think>".repeat(10_000), "<tool_call>", "{\"name\": \"f\", \"arguments\": {", "[".repeat(100_000),
                        "<tool_call>{\"name\": \"f\", \"arguments\": " + "{\"a\":".repeat(100_000), "\ud800", "x".repeat(3_000_000), "<|im_end|>".repeat(1000))) {
                    survived(() -> ChatTemplate.parse(rendered, text, partial));
                }
                for (int round = 0; round < 200; round++) {
                    var text = new StringBuilder();
                    for (int i = random.nextInt(20); i > 0; i--) {
                        text.append(List.of("<think>", "</think>", "<tool_call>", "{", "}", "\"name\":", "[", "]", "x", "\n", "é", "\\").get(random.nextInt(12)));
                    }
                    survived(() -> ChatTemplate.parse(rendered, text.toString(), partial));
                }
            }
        }
    }

    void syntaxesThatAreNotOurs() {
        try (var template = ChatTemplate.parse(CHATML, "", "")) {
            for (String syntax : List.of("", "{", "{}", "5", "[]", "null", "{\"format\": -1}", "{\"format\": 99999}", "{\"format\": \"x\"}", "{\"format\": 0, \"parser\": \"nonsense\"}",
                    "{\"format\": 0, \"parser\": 5}", "{\"reasoning_format\": \"odd\"}", "[".repeat(200_000), "{\"a\":".repeat(200_000),
                    "{\"format\": 0, \"thinking_end_tags\": [5]}")) {
                survived(() -> ChatTemplate.parse(new RenderedChat("", List.of(), "", false, List.of(), false, false, syntax), "text", true));
            }
            for (int format = -1; format < 64; format++) {
                int code = format;
                survived(() -> ChatTemplate.parse(new RenderedChat("", List.of(), "", false, List.of(), false, false, "{\"format\": " + code + "}"), "text {\"a\": [1, 2", true));
            }
        }
    }

    /// Valid templates with parts missing, doubled and swapped.
    void randomTemplates() {
        var random = new Random(29);
        String[] parts = {"{% for m in messages %}", "{% endfor %}", "{{ m.content }}", "{{ m['role'] }}", "{% if m.role == 'user' %}", "{% else %}", "{% endif %}", "{% set x = 1 %}",
            "{{ x }}", "{{ x + 1 }}", "{%- ", " -%}", "{{", "}}", "| upper", "loop.index", "{{ loop.last }}", "text", "{# ", " #}", "(", ")", "[", "]", "'", "{{ bos_token }}",
            "{% macro f(a) %}", "{% endmacro %}", "{{ f(1) }}", "{{ messages | length }}", "{{ messages[0] }}", "{{ range(3) | list }}"};
        for (int round = 0; round < 3000; round++) {
            var source = new StringBuilder();
            for (int i = 1 + random.nextInt(10); i > 0; i--) {
                source.append(parts[random.nextInt(parts.length)]);
            }
            if (round % 100 == 0) {
                HazardProgram.detail("from round " + round);
            }
            survived(() -> use(source.toString()));
        }
    }
}
