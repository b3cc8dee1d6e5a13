// Chat templates: what they are given, and what a model may write.
#include "fixture.h"

#include <filesystem>
#include <fstream>
#include <sstream>

using check::error;

namespace {

const char * const chatml =
    "{% for message in messages %}<|im_start|>{{ message.role }}\n{{ message.content }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}";

const char * const hello = R"({"messages":[{"role":"user","content":"hello"}]})";

int32_t make(const std::string & source, fixture::template_ptr * made = nullptr) {
    llatte_template * raw    = nullptr;
    const int32_t     status = llatte_template_create(nullptr, source.c_str(), "<s>", "</s>", &raw, &error());
    CHECK((status == LLATTE_OK) == (raw != nullptr));
    fixture::template_ptr own(raw);
    if (made != nullptr) {
        *made = std::move(own);
    }
    return status;
}

int32_t render(const fixture::template_ptr & tmpl, const std::string & request, std::string * answer = nullptr) {
    llatte_text   text{};
    const int32_t status = llatte_template_render(tmpl.get(), request.c_str(), &text, &error());
    if (status == LLATTE_OK && answer != nullptr) {
        *answer = text.data;
    }
    llatte_text_free(&text);
    return status;
}

int32_t parse(const std::string & syntax, const std::string & written, bool partial = false) {
    llatte_parser * parser = nullptr;
    int32_t         status = llatte_parser_create(syntax.c_str(), &parser, &error());
    if (status != LLATTE_OK) {
        CHECK(parser == nullptr);
        return status;
    }
    llatte_text text{};
    status = llatte_parser_parse(parser, written.data(), static_cast<int64_t>(written.size()), partial, &text, &error());
    llatte_text_free(&text);
    llatte_parser_free(parser);
    return status;
}

std::string repeated(const char * text, int32_t times) {
    std::string all;
    for (int32_t i = 0; i < times; i++) {
        all += text;
    }
    return all;
}

// A request with one tool, so that the parser looks for calls.
const char * const with_tool =
    R"({"messages":[{"role":"user","content":"hello"}],"tools":[{"type":"function","function":{"name":"f","description":"d",
        "parameters":{"type":"object","properties":{"a":{"type":"array"}}}}}]})";

// As Hermes and Qwen write calls.
const char * const hermes =
    "{% for message in messages %}<|im_start|>{{ message.role }}\n{% if message.content %}{{ message.content }}{% endif %}"
    "{% if message.tool_calls %}{% for call in message.tool_calls %}<tool_call>\n{\"name\": \"{{ call.function.name }}\", \"arguments\": "
    "{{ call.function.arguments | tojson }}}\n</tool_call>{% endfor %}{% endif %}<|im_end|>\n{% endfor %}"
    "{% if tools %}{{ tools | tojson }}{% endif %}{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}";

} // namespace

CASE(a_conversation_is_rendered) {
    fixture::template_ptr tmpl;
    std::string           answer;
    CHECK_OK(make(chatml, &tmpl));
    CHECK_OK(render(tmpl, hello, &answer));
    CHECK(answer.find("<|im_start|>user\\nhello<|im_end|>") != std::string::npos);
    CHECK_OK(parse(answer, "hi there"));
    CHECK_OK(parse(answer, "hi \xff there", true));
}

CASE(null_sources_and_requests) {
    llatte_template * raw = nullptr;
    llatte_text       text{};
    CHECK_STATUS(LLATTE_INVALID_ARGUMENT, llatte_template_create(nullptr, nullptr, nullptr, nullptr, &raw, &error()));
    CHECK_STATUS(LLATTE_INVALID_ARGUMENT, llatte_template_create(nullptr, chatml, nullptr, nullptr, nullptr, &error()));
    fixture::template_ptr tmpl;
    CHECK_OK(make(chatml, &tmpl));
    CHECK_STATUS(LLATTE_INVALID_ARGUMENT, llatte_template_render(nullptr, hello, &text, &error()));
    CHECK_STATUS(LLATTE_INVALID_ARGUMENT, llatte_template_render(tmpl.get(), nullptr, &text, &error()));
    CHECK_STATUS(LLATTE_INVALID_ARGUMENT, llatte_template_render(tmpl.get(), hello, nullptr, &error()));
    CHECK_STATUS(LLATTE_INVALID_ARGUMENT, llatte_parser_create(nullptr, nullptr, &error()));
    llatte_parser * parser = nullptr;
    CHECK_OK(llatte_parser_create("{\"format\":0}", &parser, &error()));
    CHECK_STATUS(LLATTE_INVALID_ARGUMENT, llatte_parser_parse(nullptr, "a", 1, false, &text, &error()));
    CHECK_STATUS(LLATTE_INVALID_ARGUMENT, llatte_parser_parse(parser, nullptr, 1, false, &text, &error()));
    CHECK_STATUS(LLATTE_INVALID_ARGUMENT, llatte_parser_parse(parser, "a", -1, false, &text, &error()));
    llatte_parser_free(parser);
    llatte_parser_free(nullptr);
    CHECK_STATUS(LLATTE_INVALID_ARGUMENT, llatte_template_source(nullptr, &text, &error()));
    llatte_template_free(nullptr);
}

CASE(a_model_without_a_template) {
    auto              model = fixture::load(fixture::speaking_model());
    llatte_template * raw   = nullptr;
    CHECK_STATUS(LLATTE_TEMPLATE_FAILED, llatte_template_create(model.get(), nullptr, nullptr, nullptr, &raw, &error()));
    CHECK_OK(llatte_template_create(model.get(), chatml, nullptr, nullptr, &raw, &error()));
    fixture::template_ptr tmpl(raw);
    model.reset(); // no longer needed
    CHECK_OK(render(tmpl, hello));
}

CASE(templates_that_cannot_be_parsed) {
    for (const char * source : { "", "{% if %}", "{% for %}", "{{ ", "{% if a", "{% endif %}", "{{ a | nothing }}", "{% macro %}", "{{ 'a }}",
                                 "{{ (((( }}", "{{ 1 / 0 }}", "{{ 1 % 0 }}", "{{ 1 // 0 }}", "{{ messages[99] }}", "{{ messages.a.b.c }}", "{{ raise_exception('no') }}",
                                 "{{ -9223372036854775808 // -1 }}", "{{ -9223372036854775808 % -1 }}",
                                 "{{ strftime_now('%s%s%s%n') }}", "{{ 'abc'[99:-99:-1] }}", "{{ 'abc'[::0] }}", "{% set x = x %}{{ x }}",
                                 "{% include 'a' %}", "\xff\xfe" }) {
        fixture::template_ptr tmpl;
        const int32_t         status = make(source, &tmpl);
        CHECK(status == LLATTE_OK || status == LLATTE_TEMPLATE_FAILED || status == LLATTE_OUT_OF_MEMORY);
        if (tmpl) {
            const int32_t rendered = render(tmpl, hello);
            CHECK(rendered == LLATTE_OK || rendered == LLATTE_TEMPLATE_FAILED || rendered == LLATTE_OUT_OF_MEMORY);
        }
    }
}

CASE(llama_cpps_own_templates_are_within_the_limits) {
    int32_t count = 0;
    for (const auto & entry : std::filesystem::directory_iterator(LLATTE_TEMPLATES)) {
        if (entry.path().extension() == ".jinja") {
            std::ifstream     in(entry.path(), std::ios::binary);
            std::stringstream source;
            source << in.rdbuf();
            if (make(source.str()) != LLATTE_OK) {
                check::failed(__FILE__, __LINE__, entry.path().string() + ": " + error().message);
            }
            count++;
        }
    }
    CHECK(count > 40);
}

// Everything that the parser or the interpreter recurses into: refused where it is deep, and fit for the stack where it just is not.
CASE(deep_nesting_of_templates) {
    for (int32_t n : { 10, 60, 100, 380, 100000 }) {
        for (const std::string & source :
             { "{{ " + repeated("(", n) + "1" + repeated(")", n) + " }}", "{{ " + repeated("[", n) + repeated("]", n) + " }}",
               repeated("{% if a %}", n) + repeated("{% endif %}", n), repeated("{%if a%}", n), repeated("{%- for a in b %}", n),
               "{{ " + repeated("not ", n) + "a }}", "{{ " + repeated("not\n", n) + "a }}", "{{ " + repeated("-", n) + "1 }}",
               "{{ " + repeated("a if b else ", n / 2) + "c }}", "{{ a" + repeated(".b", n) + " }}", "{{ 'a'" + repeated("|trim", n) + " }}",
               "{{ 1" + repeated(" + 1", n) + " }}", "{{ a" + repeated("[0]", n) + " }}", "{{ a" + repeated("()", n) + " }}",
               "{{ 1" + repeated(" * 1", n) + " }}", "{{ 1" + repeated(" and 1", n) + " }}", "{{ 'a'" + repeated(" ~ 'a'", n) + " }}",
               "{{ 1" + repeated(" == 1", n / 2) + " }}", "{{ 1" + repeated(" is number", n) + " }}",
               "{% if a %}" + repeated("{% elif a %}", n) + "{% endif %}", repeated("{% call a() %}", n), repeated("{% filter trim %}", n),
               repeated("{% generation %}", n), repeated("{% set x %}", n), repeated("{% set x %}", n) + repeated("{% endset %}", n),
               repeated("{% macro a() %}", n) + repeated("{% endmacro %}", n), "{{ '}}' + " + repeated("(", n) + repeated(")", n) + " }}",
               "{{ \"\\\"\" + " + repeated("(", n) + repeated(")", n) + " }}", "{# {{ #}{{ " + repeated("(", n) + repeated(")", n) + " }}",
               "{{ {} }}{{ " + repeated("(", n) + repeated(")", n) + " }}", "{{ " + repeated("{'a':", n) + "1" + repeated("}", n) + " }}" }) {
            fixture::template_ptr tmpl;
            const int32_t         status = make(source, &tmpl);
            CHECK(status == LLATTE_OK || status == LLATTE_TEMPLATE_FAILED);
            CHECK(n < 100000 || tmpl == nullptr || source.find("generation") != std::string::npos);
            if (tmpl) {
                render(tmpl, hello);
            }
        }
    }
}

CASE(requests_that_are_wrong) {
    fixture::template_ptr tmpl;
    CHECK_OK(make(chatml, &tmpl));
    for (const char * request : { "", "{", "[]", "5", "null", "{}", R"({"messages":5})", R"({"messages":[]})", R"({"messages":[5]})",
                                  R"({"messages":[{}]})", R"({"messages":[{"role":5}]})", R"({"messages":[{"role":"user","content":5}]})",
                                  R"({"messages":[{"role":"user","content":[{"type":"image"}]}]})", R"({"messages":[],"tools":5})",
                                  R"({"messages":[],"tools":[{"type":"function"}]})", R"({"messages":[],"tool_choice":"perhaps"})",
                                  R"({"messages":[],"reasoning_format":"odd"})", R"({"messages":[],"now":"yesterday"})",
                                  R"({"messages":[],"now":9223372036854775807})", R"({"messages":[],"add_generation_prompt":"yes"})",
                                  R"({"messages":[],"json_schema":5})", R"({"messages":[],"chat_template_kwargs":5})",
                                  R"({"messages":[{"role":"assistant","tool_calls":[{"function":{"name":"f","arguments":"{"}}]}]})" }) {
        const int32_t status = render(tmpl, request);
        CHECK(status == LLATTE_OK || status == LLATTE_TEMPLATE_FAILED || status == LLATTE_INVALID_ARGUMENT);
    }
}

CASE(deep_nesting_of_requests) {
    fixture::template_ptr tmpl;
    const int32_t         n = 100000;
    CHECK_OK(make(hermes, &tmpl));
    CHECK_STATUS(LLATTE_TEMPLATE_FAILED, render(tmpl, repeated("[", n) + repeated("]", n)));
    CHECK_STATUS(LLATTE_TEMPLATE_FAILED, render(tmpl, R"({"messages":[{"role":"user","content":"a"}],"chat_template_kwargs":{"a":)" +
                                                          repeated("[", n) + repeated("]", n) + "}}"));
    CHECK_STATUS(LLATTE_TEMPLATE_FAILED, render(tmpl, R"({"messages":[{"role":"user","content":"a"}],"tools":[{"type":"function","function":{"name":"f","description":"d","parameters":)" +
                                                          repeated("{\"items\":", n) + "{}" + repeated("}", n) + "}}]}"));
    // Arguments are a text that holds JSON.
    const int32_t status = render(tmpl, R"({"messages":[{"role":"assistant","tool_calls":[{"type":"function","function":{"name":"f","arguments":"{\"a\":)" +
                                            repeated("[", n) + repeated("]", n) + "}\"}}]}]}");
    CHECK(status == LLATTE_OK || status == LLATTE_TEMPLATE_FAILED);
}

CASE(syntaxes_that_are_wrong) {
    for (const char * syntax : { "", "{}", "5", "[]", R"({"format":-1})", R"({"format":99999})", R"({"format":"x"})",
                                 R"({"format":0,"parser":"nonsense"})", R"({"format":0,"parser":5})", R"({"format":0,"reasoning_format":"odd"})" }) {
        const int32_t status = parse(syntax, "text");
        CHECK(status == LLATTE_TEMPLATE_FAILED || status == LLATTE_INVALID_ARGUMENT);
    }
    for (int format = 0; format < 64; format++) {
        const int32_t status = parse("{\"format\":" + std::to_string(format) + "}", "text {\"a\": [1, 2", true);
        CHECK(status == LLATTE_OK || status == LLATTE_TEMPLATE_FAILED || status == LLATTE_INVALID_ARGUMENT);
    }
}

// What a model writes is not ours to trust: a loop of brackets is a known way for a small model to fail.
CASE(deep_nesting_of_what_a_model_wrote) {
    fixture::template_ptr tmpl;
    std::string           syntax;
    CHECK_OK(make(hermes, &tmpl));
    CHECK_OK(render(tmpl, with_tool, &syntax));
    CHECK_OK(parse(syntax, "<tool_call>\n{\"name\": \"f\", \"arguments\": {\"a\": [1]}}\n</tool_call>"));
    CHECK_OK(parse(syntax, "<tool_call>\n{\"name\": \"f\", \"arguments\": {\"a\": " + repeated("[", 120) + repeated("]", 120) + "}}\n</tool_call>"));
    for (const char * bracket : { "[", "{\"a\":", "[[" }) {
        for (bool partial : { false, true }) {
            for (const std::string & prefix : { std::string("<tool_call>\n{\"name\": \"f\", \"arguments\": {\"a\": "), std::string("<tool_call>\n"), std::string() }) {
                const int32_t status = parse(syntax, prefix + repeated(bracket, 100000), partial);
                CHECK(status == LLATTE_OK || status == LLATTE_TEMPLATE_FAILED);
            }
        }
    }
}

int main(int argc, char ** argv) {
    return fixture::main(argc, argv);
}
