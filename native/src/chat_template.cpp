// Chat templates: rendered and parsed by llama-common, spoken to in JSON.
#include "handles.h"

#include "chat.h"
#include "json.h"

#include <cstring>
#include <memory>

struct llatte_template {
    common_chat_templates_ptr templates;
    std::string               source;
};

struct llatte_parser {
    common_chat_parser_params params;
};

namespace llatte {

namespace {

using json = common_json;

constexpr size_t max_source_bytes = 1 << 20;

// llama-common's jinja parser and interpreter recurse into brackets, operators and blocks; on a Java thread's 1 MiB these depths fit.
// Left to the interpreter: a macro that calls itself without end.
class template_scanner {
public:
    explicit template_scanner(const std::string & source) : source(source) {}

    void check() {
        for (size_t at = source.find('{'); at != std::string::npos && at + 1 < source.size(); at = source.find('{', at)) {
            switch (source[at + 1]) {
                case '#': at = std::min(source.find("#}", at + 2), source.size()); break;
                case '{': at = expression(at + 2); break;
                case '%': at = statement(at + 2); break;
                default:  at++;
            }
        }
    }

private:
    static constexpr int32_t max_operators = 400; // in one pair of braces: each may be a level of the tree
    static constexpr int32_t max_brackets  = 64;
    static constexpr int32_t max_blocks    = 64;

    static bool is_word(char c) { return isalnum(static_cast<unsigned char>(c)) != 0 || c == '_'; }

    static void limit(const char * what, int32_t depth, int32_t most) {
        if (depth > most) {
            fail(LLATTE_TEMPLATE_FAILED, format("the chat template nests %s deeper than %d", what, most), depth, most);
        }
    }

    std::string word(size_t at) const {
        size_t end = at;
        while (end < source.size() && is_word(source[end])) {
            end++;
        }
        return source.substr(at, end - at);
    }

    // Counts to the end of a tag, and returns where that is.
    size_t expression(size_t at) {
        int32_t operators = 0;
        int32_t brackets  = 0;
        assigns           = false;
        while (at < source.size()) {
            const char c = source[at];
            if ((c == '}' || c == '%') && source.compare(at + 1, 1, "}") == 0 && brackets <= 0) {
                return at + 2;
            }
            if (c == '"' || c == '\'') {
                for (at++; at < source.size() && source[at] != c; at++) {
                    at += source[at] == '\\';
                }
            } else if (c == '(' || c == '[' || c == '{') {
                limit("brackets", ++brackets, max_brackets);
                operators++;
            } else if (c == ')' || c == ']' || c == '}') {
                brackets--;
            } else if (is_word(c)) {
                const std::string name = word(at);
                operators += name == "and" || name == "or" || name == "not" || name == "if" || name == "else" || name == "is" || name == "in";
                at += name.size() - 1;
            } else {
                assigns   = assigns || (c == '=' && brackets == 0);
                operators += strchr("|.+-~*/%<>=!", c) != nullptr && c != '\0';
            }
            limit("operators", operators, max_operators);
            at++;
        }
        return at;
    }

    size_t statement(size_t at) {
        at                     = std::min(source.find_first_not_of("-+ \t\r\n", at), source.size());
        const std::string name = word(at);
        const size_t      end  = expression(at + name.size());
        if (name == "if" || name == "for" || name == "macro" || name == "call" || name == "filter" || (name == "set" && !assigns)) {
            chains.push_back(0);
        } else if (name == "elif" && !chains.empty()) {
            chains.back()++; // parsed as an if inside the if
            chained++;
        } else if (name.rfind("end", 0) == 0 && name != "endgeneration" && !chains.empty()) {
            chained -= chains.back();
            chains.pop_back();
        }
        limit("blocks", static_cast<int32_t>(chains.size()) + chained, max_blocks);
        return end;
    }

    const std::string &  source;
    bool                 assigns = false;
    std::vector<int32_t> chains; // for each open block, its elifs
    int32_t              chained = 0;
};

void check_source(const std::string & source) {
    if (source.empty()) {
        fail(LLATTE_TEMPLATE_FAILED, "the chat template is empty");
    }
    if (source.size() > max_source_bytes) {
        fail(LLATTE_TEMPLATE_FAILED, format("the chat template has %zu bytes, and %zu are allowed", source.size(), max_source_bytes),
             static_cast<int64_t>(source.size()), max_source_bytes);
    }
    template_scanner(source).check();
}

std::string token_text(const llatte_model * model, llama_token token) {
    if (token == LLAMA_TOKEN_NULL) {
        return "";
    }
    char          buffer[256];
    const int32_t length = llama_token_to_piece(model->vocab, token, buffer, sizeof(buffer), 0, true);
    return length > 0 ? std::string(buffer, length) : "";
}

std::unique_ptr<llatte_template> make_template(const llatte_model * model, const char * source, const char * bos, const char * eos) {
    auto result = std::make_unique<llatte_template>();
    if (source != nullptr) {
        result->source = source;
    } else {
        if (model == nullptr) {
            fail(LLATTE_INVALID_ARGUMENT, "neither a model nor a source is given");
        }
        const char * own = llama_model_chat_template(model->handle, nullptr);
        if (own == nullptr) {
            fail(LLATTE_TEMPLATE_FAILED, "the model has no chat template: give one");
        }
        result->source = own;
    }
    check_source(result->source);
    const bool        vocabulary = model != nullptr && llama_vocab_type(model->vocab) != LLAMA_VOCAB_TYPE_NONE;
    const std::string begin      = vocabulary ? token_text(model, llama_vocab_bos(model->vocab)) : bos == nullptr ? "" : bos;
    const std::string end        = vocabulary ? token_text(model, llama_vocab_eos(model->vocab)) : eos == nullptr ? "" : eos;
    try {
        // common_chat_templates_init loses the reason of a failure; this throws it.
        common_chat_template probe(result->source, begin, end);
        result->templates = common_chat_templates_init(vocabulary ? model->handle : nullptr, source == nullptr && vocabulary ? "" : result->source,
                                                       begin, end);
    } catch (const std::exception & thrown) {
        fail(LLATTE_TEMPLATE_FAILED, std::string("the chat template cannot be parsed: ") + thrown.what());
    }
    return result;
}

// What a template turns from a text into JSON, or a grammar is made of.
void check_request(const json & request) {
    for (const char * key : { "tools", "json_schema" }) {
        if (request.contains(key)) {
            require_flat_parentheses(LLATTE_TEMPLATE_FAILED, key, request.at(key).dump());
        }
    }
    for (const auto & message : request.at("messages")) {
        if (message.contains("tool_calls")) {
            for (const auto & call : message.at("tool_calls")) {
                const json function  = call.value("function", json::object());
                const json arguments = function.value("arguments", json());
                if (arguments.is_string()) {
                    require_flat_json(LLATTE_TEMPLATE_FAILED, "a tool call's arguments", arguments.get<std::string>());
                }
            }
        }
    }
}

common_chat_templates_inputs inputs_of(const json & request) {
    check_request(request);
    common_chat_templates_inputs inputs;
    inputs.messages              = common_chat_msgs_parse_oaicompat(request.at("messages"));
    inputs.add_generation_prompt = request.value("add_generation_prompt", true);
    inputs.enable_thinking       = request.value("enable_thinking", true);
    inputs.parallel_tool_calls   = request.value("parallel_tool_calls", false);
    inputs.grammar               = request.value("grammar", "");
    inputs.tool_choice           = common_chat_tool_choice_parse_oaicompat(request.value("tool_choice", "auto"));
    inputs.reasoning_format      = common_reasoning_format_from_name(request.value("reasoning_format", "none"));
    if (request.contains("continue_final_message")) {
        inputs.continue_final_message = common_chat_continuation_parse(request.at("continue_final_message"));
    }
    if (request.contains("tools")) {
        inputs.tools = common_chat_tools_parse_oaicompat(request.at("tools"));
    }
    if (request.contains("json_schema")) {
        inputs.json_schema = request.at("json_schema").dump();
    }
    if (request.contains("chat_template_kwargs")) {
        for (const auto & [key, value] : request.at("chat_template_kwargs").items()) {
            inputs.chat_template_kwargs[key] = value.dump();
        }
    }
    if (request.contains("now")) {
        inputs.now = std::chrono::system_clock::time_point(std::chrono::seconds(request.at("now").get<int64_t>()));
    }
    return inputs;
}

json texts(const std::vector<std::string> & values) {
    json list = json::array();
    for (const auto & value : values) {
        list.push_back(value);
    }
    return list;
}

json to_json(const common_chat_params & params, common_reasoning_format reasoning_format) {
    json triggers = json::array();
    for (const auto & trigger : params.grammar_triggers) {
        json entry     = json::object();
        entry["type"]  = static_cast<int>(trigger.type);
        entry["value"] = trigger.value;
        entry["token"] = trigger.token;
        triggers.push_back(entry);
    }
    json answer                   = json::object();
    answer["prompt"]              = params.prompt;
    answer["grammar"]             = params.grammar;
    answer["grammar_lazy"]        = params.grammar_lazy;
    answer["grammar_triggers"]    = triggers;
    answer["preserved_tokens"]    = texts(params.preserved_tokens);
    answer["additional_stops"]    = texts(params.additional_stops);
    answer["format"]              = static_cast<int>(params.format);
    answer["generation_prompt"]   = params.generation_prompt;
    answer["parser"]              = params.parser;
    answer["supports_thinking"]   = params.supports_thinking;
    answer["thinking_start_tag"]  = params.thinking_start_tag;
    answer["thinking_end_tags"]   = texts(params.thinking_end_tags);
    answer["reasoning_format"]    = common_reasoning_format_name(reasoning_format);
    return answer;
}

common_chat_parser_params parser_of(const json & syntax) {
    common_chat_parser_params params;
    const int format = syntax.at("format").get<int>();
    if (format < 0 || format >= COMMON_CHAT_FORMAT_COUNT) {
        fail(LLATTE_INVALID_ARGUMENT, llatte::format("chat format %d is unknown", format), format, COMMON_CHAT_FORMAT_COUNT);
    }
    params.format            = static_cast<common_chat_format>(format);
    params.reasoning_format  = common_reasoning_format_from_name(syntax.value("reasoning_format", "none"));
    params.generation_prompt = syntax.value("generation_prompt", "");
    const std::string parser = syntax.value("parser", "");
    if (!parser.empty()) {
        params.parser.load(parser);
    }
    return params;
}

// Everything that goes wrong between a template and a conversation is the template's failure.
template <typename Body>
int32_t guarded_template(llatte_error * error, Body && body) {
    return guarded(error, [&] {
        try {
            body();
        } catch (const failure &) {
            throw;
        } catch (const std::bad_alloc &) {
            throw;
        } catch (const std::exception & thrown) {
            fail(LLATTE_TEMPLATE_FAILED, thrown.what());
        }
    });
}

} // namespace

} // namespace llatte

int32_t llatte_template_create(const llatte_model * model, const char * source, const char * bos, const char * eos, llatte_template ** out,
                               llatte_error * error) {
    return llatte::guarded_template(error, [&] {
        llatte::require_not_null(out, "out");
        *out = llatte::make_template(model, source, bos, eos).release();
    });
}

void llatte_template_free(llatte_template * tmpl) {
    delete tmpl;
}

int32_t llatte_template_source(const llatte_template * tmpl, llatte_text * out, llatte_error * error) {
    return llatte::guarded_template(error, [&] {
        llatte::require_not_null(tmpl, "template");
        llatte::assign(out, tmpl->source);
    });
}

int32_t llatte_template_render(const llatte_template * tmpl, const char * request, llatte_text * out, llatte_error * error) {
    return llatte::guarded_template(error, [&] {
        llatte::require_not_null(tmpl, "template");
        llatte::require_not_null(request, "request");
        llatte::require_flat_json(LLATTE_TEMPLATE_FAILED, "the request", request);
        const auto inputs = llatte::inputs_of(common_json::parse(request));
        const auto params = common_chat_templates_apply(tmpl->templates.get(), inputs);
        llatte::assign(out, llatte::to_json(params, inputs.reasoning_format).dump_safe());
    });
}

int32_t llatte_parser_create(const char * syntax, llatte_parser ** out, llatte_error * error) {
    return llatte::guarded_template(error, [&] {
        llatte::require_not_null(syntax, "syntax");
        llatte::require_not_null(out, "out");
        llatte::require_flat_json(LLATTE_TEMPLATE_FAILED, "the syntax", syntax);
        auto parser    = std::make_unique<llatte_parser>();
        parser->params = llatte::parser_of(common_json::parse(syntax));
        *out           = parser.release();
    });
}

void llatte_parser_free(llatte_parser * parser) {
    delete parser;
}

int32_t llatte_parser_parse(const llatte_parser * parser, const char * text, int64_t text_length, bool partial, llatte_text * out,
                            llatte_error * error) {
    return llatte::guarded_template(error, [&] {
        llatte::require_not_null(parser, "parser");
        llatte::require_not_null(text, "text");
        llatte::require_range("text_length", text_length, 0, INT32_MAX);
        if (parser->params.format != COMMON_CHAT_FORMAT_CONTENT_ONLY) {
            // Quotes are not looked at: what a model wrote may be no JSON at all.
            llatte::require_flat_brackets(LLATTE_TEMPLATE_FAILED, "what the model wrote", { text, static_cast<size_t>(text_length) });
        }
        const auto message = common_chat_parse(std::string(text, text_length), partial, parser->params);
        llatte::assign(out, message.to_json_oaicompat().dump_safe());
    });
}
