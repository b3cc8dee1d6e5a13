#include "constraint.h"

#include "common.h"
#include "json.h"
#include "reasoning-budget.h"

#include <algorithm>
#include <cctype>
#include <climits>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <numeric>
#include <regex>

namespace llatte {

namespace {

using json = common_json;

constexpr size_t  max_grammar_bytes   = 1 << 20;
constexpr int32_t max_grammar_nesting = 256;
constexpr int32_t max_grammar_rules   = 4096;

// {5,1}: llama.cpp's parser would add rules until the memory is gone.
void check_repetition(const std::string & grammar, size_t at) {
    unsigned long long least = 0;
    unsigned long long most  = 0;
    if (sscanf(grammar.c_str() + at, "{%20llu , %20llu", &least, &most) == 2 && most < least) {
        fail(LLATTE_GRAMMAR_FAILED, format("the grammar repeats at least %llu and at most %llu times", least, most), static_cast<int64_t>(least),
             static_cast<int64_t>(most));
    }
}

// What starts a grammar that waits.
struct triggers {
    std::vector<std::string> patterns;
    std::vector<llama_token> tokens;

    triggers(const llatte_model * model, const json & list) {
        for (const auto & trigger : list) {
            add(model, trigger.at("type").get<int>(), trigger.at("value").get<std::string>(), trigger.value("token", LLAMA_TOKEN_NULL));
        }
        for (const std::string & pattern : patterns) {
            std::regex{ pattern }; // llama.cpp leaks its stage where this throws
        }
        if (patterns.empty() && tokens.empty()) {
            fail(LLATTE_GRAMMAR_FAILED, "the grammar waits for a trigger, and there is none");
        }
    }

    void add(const llatte_model * model, int type, const std::string & value, llama_token token) {
        switch (type) {
            case COMMON_GRAMMAR_TRIGGER_TYPE_TOKEN:
                require_token(model, token);
                tokens.push_back(token);
                break;
            case COMMON_GRAMMAR_TRIGGER_TYPE_WORD: {
                // A word that is one token comes as that token, whose text may be special and not be seen.
                const auto ids = common_tokenize(model->vocab, value, false, true);
                if (ids.size() == 1) {
                    tokens.push_back(ids[0]);
                } else {
                    patterns.push_back(regex_escape(value));
                }
                break;
            }
            case COMMON_GRAMMAR_TRIGGER_TYPE_PATTERN:
                patterns.push_back(value);
                break;
            case COMMON_GRAMMAR_TRIGGER_TYPE_PATTERN_FULL:
                patterns.push_back("^" + value.substr(value.rfind('^', 0) == 0) + (!value.empty() && value.back() == '$' ? "" : "$"));
                break;
            default:
                fail(LLATTE_INVALID_ARGUMENT, llatte::format("a grammar's trigger has the type %d", type), type, COMMON_GRAMMAR_TRIGGER_TYPE_PATTERN_FULL);
        }
    }
};

// `make` returns llama.cpp's stage.
template <typename Make>
sampler_ptr make_grammar(const std::string & text, const char * root, Make && make) {
    if (text.empty()) {
        fail(LLATTE_GRAMMAR_FAILED, "the grammar is empty");
    }
    sampler_ptr made;
    try {
        made.reset(make());
    } catch (const assertion_failure & asserted) {
        fail(LLATTE_GRAMMAR_FAILED, "the grammar cannot be used: " + asserted.message);
    } catch (const failure &) {
        throw;
    } catch (const std::exception & thrown) {
        fail(LLATTE_GRAMMAR_FAILED, std::string("the grammar cannot be used: ") + thrown.what());
    }
    if (!made) {
        fail(LLATTE_GRAMMAR_FAILED, format("the grammar cannot be parsed, or has no rule %s", root) + because());
    }
    return made;
}

sampler_ptr make_lazy(const llatte_model * model, const std::string & text, const triggers & start) {
    std::vector<const char *> patterns;
    for (const std::string & pattern : start.patterns) {
        patterns.push_back(pattern.c_str());
    }
    return make_grammar(text, "root", [&] {
        return llama_sampler_init_grammar_lazy_patterns(model->vocab, text.c_str(), "root", patterns.data(), patterns.size(), start.tokens.data(),
                                                        start.tokens.size());
    });
}

// What a template wrote of the answer, as the model would have written it: some tokenizers put a blank before the first word.
std::vector<llama_token> prefill_of(const llatte_model * model, const std::string & text) {
    std::vector<llama_token> tokens;
    if (!text.empty()) {
        tokens = common_tokenize(model->vocab, text, false, true);
        if (!tokens.empty()) {
            const std::string piece = common_token_to_piece(model->vocab, tokens[0], true);
            if (!piece.empty() && std::isspace(static_cast<unsigned char>(piece[0])) && !std::isspace(static_cast<unsigned char>(text[0]))) {
                tokens.erase(tokens.begin());
            }
        }
    }
    return tokens;
}

// The special tokens that are part of a format's answers: what it keeps, and the marks around reasoning.
std::vector<llama_token> special_tokens_of(const llatte_model * model, const json & format) {
    std::vector<std::string> texts = { format.value("thinking_start_tag", "") };
    for (const char * list : { "preserved_tokens", "thinking_end_tags" }) {
        if (format.contains(list)) {
            for (const auto & text : format.at(list)) {
                texts.push_back(text.get<std::string>());
            }
        }
    }
    std::vector<llama_token> tokens;
    for (const std::string & text : texts) {
        for (const llama_token token : common_tokenize(model->vocab, text, false, true)) {
            tokens.push_back(token);
        }
    }
    return tokens;
}

sampler_ptr make_reasoning(const llatte_model * model, const json & format, int32_t most, const std::string & message) {
    std::vector<llama_tokens> ends;
    for (const auto & tag : format.at("thinking_end_tags")) {
        const std::string text = tag.get<std::string>();
        if (!text.empty()) {
            ends.push_back(common_tokenize(model->vocab, text, false, true));
        }
    }
    const llama_tokens start = common_tokenize(model->vocab, format.value("thinking_start_tag", ""), false, true);
    if (start.empty() || ends.empty() || ends.front().empty()) {
        return nullptr; // a format that knows no reasoning
    }
    llama_tokens forced = common_tokenize(model->vocab, message, false, true);
    forced.insert(forced.end(), ends.front().begin(), ends.front().end());
    return sampler_ptr(common_reasoning_budget_init(model->vocab, { start }, ends, forced, most < 0 ? INT_MAX : most));
}

} // namespace

// llama.cpp's grammar parser and its check for left recursion recurse: their depth is bounded by parentheses and by rules.
bool check_grammar(const std::string & grammar) {
    if (grammar.size() > max_grammar_bytes) {
        fail(LLATTE_GRAMMAR_FAILED, format("the grammar has %zu bytes, and %zu are allowed", grammar.size(), max_grammar_bytes),
             static_cast<int64_t>(grammar.size()), max_grammar_bytes);
    }
    int32_t nesting = 0;
    int32_t rules   = 0;
    bool    tokens  = false;
    for (size_t i = 0; i < grammar.size(); i++) {
        const char c = grammar[i];
        if (c == '"' || c == '[') {
            const char end = c == '"' ? '"' : ']';
            for (i++; i < grammar.size() && grammar[i] != end; i++) {
                i += grammar[i] == '\\';
            }
        } else if (c == '#') {
            i = std::min(grammar.find('\n', i), grammar.size());
        } else if (c == '(' && ++nesting > max_grammar_nesting) {
            fail(LLATTE_GRAMMAR_FAILED, format("the grammar nests deeper than %d parentheses", max_grammar_nesting), nesting, max_grammar_nesting);
        } else if (c == ')') {
            nesting--;
        } else if (c == '{') {
            check_repetition(grammar, i);
        } else if (grammar.compare(i, 3, "::=") == 0 && ++rules > max_grammar_rules) {
            fail(LLATTE_GRAMMAR_FAILED, format("the grammar has more than %d rules", max_grammar_rules), rules, max_grammar_rules);
        }
        tokens |= c == '<';
    }
    return tokens;
}

void constraint::add_grammar(const llatte_model * model, const std::string & text, const char * root) {
    require_vocabulary(model);
    if (has_grammar()) {
        fail(LLATTE_INVALID_STATE, "the chain has a grammar already");
    }
    const bool names_tokens = check_grammar(text);
    take_grammar(model, make_grammar(text, root, [&] { return llama_sampler_init_grammar(model->vocab, text.c_str(), root); }), names_tokens);
}

void constraint::take_grammar(const llatte_model * model, sampler_ptr made, bool names_tokens) {
    std::call_once(model->beginnings_made, [&] { model->beginnings = std::make_unique<llatte::beginnings>(model->vocab); });
    grammar    = std::move(made);
    vocabulary = model->beginnings.get();
    by_tokens  = names_tokens;
}

void constraint::add_format(const llatte_model * model, const std::string & text, int32_t reasoning_tokens, const std::string & reasoning_message) {
    require_vocabulary(model);
    if (!is_empty()) {
        fail(LLATTE_INVALID_STATE, "the chain has a grammar or a format already");
    }
    const json format = json::parse(text);
    if (!format.is_object()) {
        fail(LLATTE_GRAMMAR_FAILED, "the format is no JSON object");
    }
    const std::string rules  = format.value("grammar", "");
    constraint        made;
    made.shown   = special_tokens_of(model, format);
    made.prefill = prefill_of(model, format.value("generation_prompt", ""));
    if (!rules.empty()) {
        made.lazy = format.value("grammar_lazy", false);
        const bool names_tokens = check_grammar(rules);
        sampler_ptr one = made.lazy ? make_lazy(model, rules, triggers(model, format.at("grammar_triggers")))
                                    : make_grammar(rules, "root", [&] { return llama_sampler_init_grammar(model->vocab, rules.c_str(), "root"); });
        made.take_grammar(model, std::move(one), names_tokens);
    }
    if (reasoning_tokens >= 0 || made.lazy) {
        made.reasoning = make_reasoning(model, format, reasoning_tokens, reasoning_message);
    }
    made.accept_prefill();
    *this = std::move(made);
}

constraint constraint::copy() const {
    constraint copied;
    copied.grammar.reset(grammar ? llama_sampler_clone(grammar.get()) : nullptr);
    copied.reasoning.reset(reasoning ? llama_sampler_clone(reasoning.get()) : nullptr);
    copied.vocabulary = vocabulary;
    copied.lazy       = lazy;
    copied.by_tokens  = by_tokens;
    copied.shown      = shown;
    copied.prefill    = prefill;
    return copied;
}

bool constraint::holds() const {
    if (!grammar || !lazy || !reasoning) {
        return grammar != nullptr;
    }
    const auto state = common_reasoning_budget_get_state(reasoning.get());
    return state == REASONING_BUDGET_IDLE || state == REASONING_BUDGET_DONE;
}

// A grammar judges a special token by a text that nobody will read: it would stand for characters that the answer then lacks.
bool constraint::is_unseen(llama_token token) const {
    return !by_tokens && vocabulary->is_unseen(token) && std::find(shown.begin(), shown.end(), token) == shown.end();
}

// llama.cpp does not tell. While it waits a grammar forbids nothing, not even a single byte.
bool constraint::is_waiting() const {
    if (!lazy) {
        return false;
    }
    beginnings::set everything;
    everything.set();
    std::vector<int32_t> places(256);
    std::iota(places.begin(), places.end(), beginnings::alone);
    drop_forbidden(everything, places);
    return everything.all();
}

bool constraint::allows(llama_token token) const {
    if (is_unseen(token)) {
        return is_waiting();
    }
    llama_token_data       one{ token, 1.0f, 0.0f };
    llama_token_data_array choice{ &one, 1, -1, false };
    llama_sampler_apply(grammar.get(), &choice);
    return one.logit != -INFINITY;
}

bool constraint::ends_reasoning() const {
    return reasoning && common_reasoning_budget_get_state(reasoning.get()) == REASONING_BUDGET_FORCING;
}

void constraint::end_reasoning(llama_token_data_array & choice) const {
    if (reasoning) {
        llama_sampler_apply(reasoning.get(), &choice);
    }
}

void constraint::forbid(llama_token_data_array & choice) const {
    if (!holds()) {
        return;
    }
    llama_sampler_apply(grammar.get(), &choice);
    const bool waiting = is_waiting();
    for (size_t i = 0; i < choice.size && !waiting; i++) {
        if (is_unseen(choice.data[i].id)) {
            choice.data[i].logit = -INFINITY;
        }
    }
}

// What begins with what is forbidden is forbidden too.
void constraint::drop_forbidden(beginnings::set & possible, const std::vector<int32_t> & places) const {
    std::vector<llama_token_data> tokens;
    for (const int32_t place : places) {
        if (vocabulary->just(place) != LLAMA_TOKEN_NULL) {
            tokens.push_back({ vocabulary->just(place), 0.0f, 0.0f });
        }
    }
    llama_token_data_array choice{ tokens.data(), tokens.size(), -1, false };
    llama_sampler_apply(grammar.get(), &choice);
    for (const llama_token_data & token : tokens) {
        if (token.logit == -INFINITY) {
            possible.reset(vocabulary->of(token.id));
        }
    }
}

beginnings::set constraint::possible() const {
    beginnings::set possible;
    possible.set();
    possible.reset(beginnings::nothing);
    if (by_tokens) {
        return possible;
    }
    std::vector<int32_t> places(256);
    std::iota(places.begin(), places.end(), beginnings::alone);
    drop_forbidden(possible, places);
    places.clear();
    for (int32_t place = 0; place < beginnings::alone; place++) {
        if (possible.test(beginnings::alone + (place >> 8))) {
            places.push_back(place);
        } else {
            possible.reset(place);
        }
    }
    drop_forbidden(possible, places);
    return possible;
}

void constraint::accept(llama_token token) {
    const bool by_grammar = holds();
    if (reasoning) {
        llama_sampler_accept(reasoning.get(), token);
        if (grammar && !by_grammar && common_reasoning_budget_get_state(reasoning.get()) == REASONING_BUDGET_DONE) {
            // The tag that ends the reasoning may be what the grammar waits for.
            const llama_tokens * end = common_reasoning_budget_get_end_match(reasoning.get());
            for (const llama_token one : end == nullptr ? llama_tokens{} : *end) {
                llama_sampler_accept(grammar.get(), one);
            }
        }
    }
    if (by_grammar) {
        llama_sampler_accept(grammar.get(), token);
    }
}

void constraint::reset() {
    for (llama_sampler * one : { grammar.get(), reasoning.get() }) {
        if (one != nullptr) {
            llama_sampler_reset(one);
        }
    }
    accept_prefill();
}

void constraint::accept_prefill() {
    for (const llama_token token : prefill) {
        if (grammar && !lazy) {
            try {
                llama_sampler_accept(grammar.get(), token);
            } catch (const std::exception & thrown) {
                fail(LLATTE_GRAMMAR_FAILED, std::string("the grammar does not allow what the template wrote of the answer: ") + thrown.what());
            }
        }
        if (reasoning) {
            llama_sampler_accept(reasoning.get(), token);
        }
    }
}

std::string constraint::describe() const {
    return std::string(reasoning ? "reasoning-budget " : "") + (grammar ? "grammar " : "");
}

} // namespace llatte
