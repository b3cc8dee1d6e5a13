// Writes the conversations of llama.cpp's own test of chat formats as JSON: the test's source is compiled in here, and what it asks of llama-common, and is
// answered, is written down. {"templates": [source], "cases": [{"template", "request", "left_out" (why our API cannot ask this) or "expected", "answers":
// [{"text", "partial", "message" or "error"}]}]}. Of a case's many beginnings of one answer some are kept, evenly spread, and all whole ones.
#include "chat.h"
#include "json.h"

#include <map>
#include <string>
#include <vector>

namespace {

using json = common_json;

constexpr size_t most_beginnings = 16;

struct one_case {
    json              request;
    std::vector<json> whole;
    std::vector<json> beginnings;
};

std::vector<std::string>   templates;
std::map<std::string, int> template_numbers;
std::vector<one_case>      cases;

json texts(const std::vector<std::string> & values) {
    json list = json::array();
    for (const auto & value : values) {
        list.push_back(value);
    }
    return list;
}

json calls_of(const common_chat_msg & msg) {
    json list = json::array();
    for (const auto & call : msg.tool_calls) {
        json one         = json::object();
        one["id"]        = call.id;
        one["name"]      = call.name;
        one["arguments"] = call.arguments;
        list.push_back(one);
    }
    return list;
}

json message_of(const common_chat_msg & msg) {
    json one            = json::object();
    one["role"]         = msg.role;
    one["content"]      = msg.content;
    one["reasoning"]    = msg.reasoning_content;
    one["tool_call_id"] = msg.tool_call_id;
    one["tool_calls"]   = calls_of(msg);
    return one;
}

// The tool that a result comes from, as our API tells templates: by the id of its call.
std::string called(const std::vector<common_chat_msg> & messages, const common_chat_msg & result) {
    std::string name;
    for (const auto & msg : messages) {
        if (&msg == &result) {
            break;
        }
        for (const auto & call : msg.tool_calls) {
            if (!call.id.empty() && call.id == result.tool_call_id) {
                name = call.name;
            }
        }
    }
    return name;
}

// Why our API cannot ask this; "" where it can.
std::string left_out(const common_chat_templates_inputs & inputs) {
    const bool goes_on = inputs.continue_final_message != COMMON_CHAT_CONTINUATION_NONE;
    if (goes_on && (inputs.add_generation_prompt || inputs.messages.back().role != "assistant")) {
        return "goes on with a turn that is not the assistant's, or begins another";
    }
    if (!inputs.grammar.empty()) {
        return "a grammar beside the format's own";
    }
    if (!inputs.use_jinja || inputs.force_pure_content || inputs.add_bos || inputs.add_eos) {
        return "not by jinja alone";
    }
    for (const auto & msg : inputs.messages) {
        if (!msg.content_parts.empty()) {
            return "a turn in parts";
        }
        if (msg.tool_name != called(inputs.messages, msg)) {
            return "a result with another tool's name than that of its call";
        }
    }
    for (const auto & tool : inputs.tools) {
        if (tool.parameters.empty()) {
            return "a tool without a schema";
        }
    }
    return "";
}

json request_of(const common_chat_templates_inputs & inputs) {
    json request     = json::object();
    json messages    = json::array();
    json tools       = json::array();
    json arguments   = json::object();
    for (const auto & msg : inputs.messages) {
        messages.push_back(message_of(msg));
    }
    for (const auto & tool : inputs.tools) {
        json one           = json::object();
        one["name"]        = tool.name;
        one["description"] = tool.description;
        one["parameters"]  = tool.parameters;
        tools.push_back(one);
    }
    for (const auto & [name, value] : inputs.chat_template_kwargs) {
        arguments[name] = value;
    }
    request["messages"]            = messages;
    request["tools"]               = tools;
    request["tool_choice"]         = inputs.tool_choice == COMMON_CHAT_TOOL_CHOICE_REQUIRED ? "REQUIRED" : inputs.tool_choice == COMMON_CHAT_TOOL_CHOICE_NONE ? "NONE" : "AUTO";
    request["parallel_tool_calls"] = inputs.parallel_tool_calls;
    request["json_schema"]         = inputs.json_schema;
    request["add_generation"]      = inputs.add_generation_prompt;
    request["continuation"]        = static_cast<int>(inputs.continue_final_message);
    request["enable_thinking"]     = inputs.enable_thinking;
    request["separate_reasoning"]  = inputs.reasoning_format != COMMON_REASONING_FORMAT_NONE;
    request["arguments"]           = arguments;
    request["now"]                 = static_cast<int64_t>(std::chrono::duration_cast<std::chrono::seconds>(inputs.now.time_since_epoch()).count());
    return request;
}

// What the shim's answer says besides, under the names that it has there.
json syntax_of(const common_chat_params & params) {
    json syntax   = json::object();
    json triggers = json::array();
    for (const auto & trigger : params.grammar_triggers) {
        json one     = json::object();
        one["type"]  = static_cast<int>(trigger.type);
        one["value"] = trigger.value;
        one["token"] = trigger.token;
        triggers.push_back(one);
    }
    syntax["grammar_triggers"]   = triggers;
    syntax["format"]             = static_cast<int>(params.format);
    syntax["generation_prompt"]  = params.generation_prompt;
    syntax["supports_thinking"]  = params.supports_thinking;
    syntax["thinking_start_tag"] = params.thinking_start_tag;
    syntax["thinking_end_tags"]  = texts(params.thinking_end_tags);
    return syntax;
}

common_chat_params recorded_apply(const common_chat_templates * tmpls, const common_chat_templates_inputs & given) {
    common_chat_templates_inputs inputs = given;
    inputs.now                          = std::chrono::system_clock::time_point(std::chrono::seconds(1700000000));
    const std::string source            = common_chat_templates_source(tmpls);
    if (template_numbers.emplace(source, static_cast<int>(templates.size())).second) {
        templates.push_back(source);
    }
    one_case now;
    now.request             = json::object();
    now.request["template"] = template_numbers.at(source);
    now.request["request"]  = request_of(inputs);
    const std::string why   = left_out(inputs);
    if (!why.empty()) {
        now.request["left_out"] = why;
    }
    json expected = json::object();
    try {
        const common_chat_params params = common_chat_templates_apply(tmpls, inputs);
        expected["prompt"]              = params.prompt;
        expected["grammar"]             = params.grammar;
        expected["lazy"]                = params.grammar_lazy;
        expected["stops"]               = texts(params.additional_stops);
        expected["preserved"]           = texts(params.preserved_tokens);
        expected["syntax"]              = syntax_of(params);
        now.request["expected"]         = expected;
        cases.push_back(now);
        return params;
    } catch (const std::exception & thrown) {
        expected["error"]       = std::string(thrown.what());
        now.request["expected"] = expected;
        cases.push_back(now);
        throw;
    }
}

common_chat_msg recorded_parse(const common_peg_arena & arena, const std::string & text, bool partial, const common_chat_parser_params & params) {
    json answer       = json::object();
    answer["text"]    = text;
    answer["partial"] = partial;
    const auto keep   = [&] { (partial ? cases.back().beginnings : cases.back().whole).push_back(answer); };
    try {
        common_chat_msg msg = common_chat_peg_parse(arena, text, partial, params);
        answer["message"]   = message_of(msg);
        keep();
        return msg;
    } catch (const std::exception & thrown) {
        answer["error"] = std::string(thrown.what());
        keep();
        throw;
    }
}

} // namespace

// Its main is not called, and what only that calls need not be there.
static int llama_cpp_main(int argc, char ** argv);

#define main                        llama_cpp_main
#define common_chat_templates_apply recorded_apply
#define common_chat_peg_parse       recorded_parse
#include LLATTE_CHAT_TEST
#undef main

int main(int argc, char ** argv) {
    if (argc != 2) {
        fprintf(stderr, "usage: %s OUTPUT, in llama.cpp's folder\n", argv[0]);
        return 2;
    }
    test_developer_role_to_system_workaround();
    test_deepseek_v4_thinking_retention();
    test_deepseek_v4_tool_result_ordering();
    test_template_generation_prompt();
    test_template_output_peg_parsers(false);

    json all          = json::object();
    json list         = json::array();
    all["templates"]  = texts(templates);
    for (one_case & one : cases) {
        json         answers = json::array();
        const size_t step    = std::max<size_t>(1, one.beginnings.size() / most_beginnings);
        for (size_t i = step - 1; i < one.beginnings.size(); i += step) {
            answers.push_back(one.beginnings[i]);
        }
        for (const json & answer : one.whole) {
            answers.push_back(answer);
        }
        one.request["answers"] = answers;
        list.push_back(one.request);
    }
    all["cases"] = list;
    std::ofstream out(argv[1], std::ios::binary);
    out << all.dump_safe();
    return out.good() ? 0 : 1;
}
