// A grammar for free text that matches a regular expression: llama-common's own conversion, without the quotes of the JSON string it is made for.
#include "guard.h"
#include "handles.h"

#include "json-schema-to-grammar.h"
#include "json.h"

#include <algorithm>
#include <string>

namespace {

constexpr size_t max_pattern_bytes = 64 << 10;

bool ends_with_dollar(const std::string & pattern) {
    if (pattern.empty() || pattern.back() != '$') {
        return false;
    }
    size_t backslashes = 0;
    while (backslashes + 1 < pattern.size() && pattern[pattern.size() - 2 - backslashes] == '\\') {
        backslashes++;
    }
    return backslashes % 2 == 0;
}

// The whole text matches: llama.cpp converts nothing else.
std::string anchored(const std::string & pattern) {
    const size_t first = !pattern.empty() && pattern[0] == '^';
    const size_t last  = ends_with_dollar(pattern) && pattern.size() > first;
    return "^" + pattern.substr(first, pattern.size() - first - last) + "$";
}

// The rule `root` is "\"" (…) "\"": what stands between is of the text itself. A pattern that cannot be converted leaves another rule there.
std::string without_quotes(const std::string & grammar, const std::string & pattern) {
    static const std::string name   = "root ::= ";
    static const std::string before = "\"\\\"\" (";
    static const std::string behind = ") \"\\\"\"";
    size_t start = grammar.rfind("\n" + name);
    start        = start == std::string::npos ? 0 : start + 1;
    size_t end   = std::min(grammar.find('\n', start), grammar.size());
    const std::string rule = grammar.substr(start, end - start);
    if (rule.rfind(name + before, 0) != 0 || rule.size() < name.size() + before.size() + behind.size() ||
        rule.compare(rule.size() - behind.size(), behind.size(), behind) != 0) {
        llatte::fail(LLATTE_GRAMMAR_FAILED, "llama.cpp can make no grammar of the pattern " + pattern);
    }
    const size_t body = name.size() + before.size();
    return grammar.substr(0, start) + name + "(" + rule.substr(body, rule.size() - body - behind.size()) + ")" + grammar.substr(end);
}

} // namespace

int32_t llatte_grammar_from_pattern(const char * pattern, llatte_text * out, llatte_error * error) {
    return llatte::guarded(error, [&] {
        llatte::require_not_null(pattern, "pattern");
        const std::string source = pattern;
        if (source.empty()) {
            llatte::fail(LLATTE_GRAMMAR_FAILED, "the pattern is empty");
        }
        if (source.size() > max_pattern_bytes) {
            llatte::fail(LLATTE_GRAMMAR_FAILED, llatte::format("the pattern has %zu bytes, and %zu are allowed", source.size(), max_pattern_bytes),
                         static_cast<int64_t>(source.size()), max_pattern_bytes);
        }
        llatte::require_flat_parentheses(LLATTE_GRAMMAR_FAILED, "the pattern", source);
        common_json schema = common_json::object();
        schema["type"]     = std::string("string");
        schema["pattern"]  = anchored(source);
        std::string grammar;
        try {
            grammar = json_schema_to_grammar(schema, true);
        } catch (const std::exception & thrown) {
            llatte::fail(LLATTE_GRAMMAR_FAILED, std::string("the pattern cannot be converted: ") + thrown.what());
        }
        llatte::assign(out, without_quotes(grammar, source));
    });
}
