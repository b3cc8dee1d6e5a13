// Grammars that wait, formats, and the end of reasoning.
#include "fixture.h"
#include "../src/sampler.h"

#include <cmath>
#include <random>

using check::error;
using fixture::batch;

namespace {

struct speaking {
    fixture::model_ptr   model   = fixture::load(fixture::speaking_model());
    fixture::context_ptr context = fixture::context(model);

    speaking() { CHECK_OK(batch(4).decode(context)); }
};

const speaking & world() {
    static speaking one;
    return one;
}

int32_t add(const fixture::sampler_ptr & sampler, const std::string & format, int32_t reasoning_tokens = -1, const char * message = nullptr) {
    return llatte_sampler_add_format(sampler.get(), format.c_str(), reasoning_tokens, message, &error());
}

fixture::sampler_ptr chain() {
    llatte_sampler * sampler = nullptr;
    CHECK_OK(llatte_sampler_create(world().model.get(), &sampler, &error()));
    return fixture::sampler_ptr(sampler);
}

fixture::sampler_ptr greedy(const std::string & format, int32_t reasoning_tokens = -1, const char * message = nullptr) {
    auto sampler = chain();
    CHECK_OK(add(sampler, format, reasoning_tokens, message));
    CHECK_OK(llatte_sampler_add_greedy(sampler.get(), &error()));
    return sampler;
}

void accept(const fixture::sampler_ptr & sampler, const std::string & text) {
    for (char c : text) {
        CHECK_OK(llatte_sampler_accept(sampler.get(), 3 + (c - ' '), &error()));
    }
}

// What is written from here on, `count` tokens of it.
std::string write(const fixture::sampler_ptr & sampler, int32_t count) {
    std::string text;
    for (int32_t i = 0; i < count; i++) {
        int32_t token  = -1;
        char    piece[64];
        int32_t length = 0;
        CHECK_OK(llatte_sampler_sample(sampler.get(), world().context.get(), -1, &token, &error()));
        CHECK_OK(llatte_vocab_piece(world().model.get(), token, piece, sizeof(piece), true, &length, &error()));
        text.append(piece, length);
    }
    return text;
}

bool is_free(const fixture::sampler_ptr & sampler, const char * text) {
    llatte_sampler * copy = nullptr;
    CHECK_OK(llatte_sampler_clone(sampler.get(), &copy, &error()));
    const fixture::sampler_ptr own(copy);
    for (const char * c = text; *c != '\0'; c++) {
        if (llatte_sampler_accept(copy, 3 + (*c - ' '), &error()) != LLATTE_OK) {
            return false;
        }
    }
    return true;
}

const std::string none    = R"("generation_prompt":"","thinking_start_tag":"","thinking_end_tags":[])";
const std::string tags    = R"("thinking_start_tag":"<a>","thinking_end_tags":["</a>"])";
const std::string trigger = R"("grammar_lazy":true,"grammar_triggers":[{"type":1,"value":"<t>","token":-1}])";

} // namespace

CASE(a_grammar_that_waits_for_its_trigger) {
    auto sampler = greedy(R"({"grammar":"root ::= \"<t>\" \"123\"",)" + trigger + "," + none + "}");
    CHECK(is_free(sampler, "what ever"));
    accept(sampler, "what ever<t");
    CHECK(is_free(sampler, "what ever"));
    accept(sampler, ">");
    CHECK(!is_free(sampler, "x"));
    CHECK(write(sampler, 4) == "123</s>");
    CHECK_OK(llatte_sampler_reset(sampler.get(), &error()));
    CHECK(is_free(sampler, "x"));
}

CASE(special_tokens_before_a_trigger_and_after_it) {
    auto sampler = greedy(R"({"grammar":"root ::= \"<t>\" [a-z<>/]*",)" + trigger + "," + none + "}");
    CHECK(sampler->bounds.allows(1)); // <s>: free text may be anything
    accept(sampler, "a<t>");
    CHECK(!sampler->bounds.allows(1));
}

CASE(what_the_template_wrote_of_the_answer) {
    auto sampler = greedy(R"({"grammar":"root ::= \"ab\" \"12\"","generation_prompt":"ab","thinking_end_tags":[]})");
    CHECK(!is_free(sampler, "a"));
    CHECK(write(sampler, 3) == "12</s>");
    CHECK_OK(llatte_sampler_reset(sampler.get(), &error()));
    CHECK(write(sampler, 3) == "12</s>");

    auto other = chain();
    CHECK_STATUS(LLATTE_GRAMMAR_FAILED, add(other, R"({"grammar":"root ::= \"ab\"","generation_prompt":"cd","thinking_end_tags":[]})"));
    CHECK_OK(add(other, R"({"grammar":"root ::= \"ab\"","generation_prompt":"ab","thinking_end_tags":[]})")); // nothing was kept of what failed
}

CASE(reasoning_that_has_come_to_its_limit) {
    const std::string open = R"({"generation_prompt":"<a>",)" + tags + "}";
    auto sampler = greedy(open, 3);
    accept(sampler, "xyz");
    CHECK(write(sampler, 4) == "</a>");
    accept(sampler, "anything");

    auto with_message = greedy(open, 2, "!?");
    accept(with_message, "xy");
    CHECK(write(with_message, 6) == "!?</a>");

    auto none_at_all = greedy(open, 0);
    CHECK(write(none_at_all, 4) == "</a>");

    // It ends by itself, and begins again with a budget of its own.
    auto twice = greedy(open, 3);
    accept(twice, "x</a>text<a>123");
    CHECK(write(twice, 4) == "</a>");

    auto unlimited = greedy(open);
    accept(unlimited, "xyzxyzxyzxyz");
    llatte_text names{};
    CHECK_OK(llatte_sampler_describe(unlimited.get(), &names, &error()));
    CHECK(std::string(names.data) == "greedy");
    llatte_text_free(&names);
    CHECK_OK(llatte_sampler_describe(twice.get(), &names, &error()));
    CHECK(std::string(names.data) == "reasoning-budget greedy");
    llatte_text_free(&names);
}

CASE(a_trigger_in_what_is_only_thought) {
    auto sampler = greedy(R"({"grammar":"root ::= \"<t>\" \"123\"","generation_prompt":"<a>",)" + trigger + "," + tags + "}");
    accept(sampler, "<t>free");
    CHECK(is_free(sampler, "x"));
    accept(sampler, "</a>");
    CHECK(is_free(sampler, "x"));
    accept(sampler, "<t>");
    CHECK(!is_free(sampler, "x"));
    CHECK(write(sampler, 3) == "123");
}

CASE(formats_that_are_none) {
    for (const char * format : { "", "{", "[]", "5", "null", R"({"grammar":5})", R"({"grammar":"root = 1"})", R"({"grammar":"root ::= ("})",
                                 R"({"grammar":"a ::= \"x\""})", R"({"grammar":"root ::= \"x\"","grammar_lazy":true})",
                                 R"({"grammar":"root ::= \"x\"","grammar_lazy":true,"grammar_triggers":[]})",
                                 R"({"grammar":"root ::= \"x\"","grammar_lazy":true,"grammar_triggers":[{"type":9,"value":"x"}]})",
                                 R"({"grammar":"root ::= \"x\"","grammar_lazy":true,"grammar_triggers":[{"type":0,"value":"x","token":128}]})",
                                 R"({"grammar":"root ::= \"x\"","grammar_lazy":true,"grammar_triggers":[{"type":2,"value":"((("}]})" }) {
        auto          sampler = chain();
        const int32_t status  = add(sampler, format);
        CHECK(status == LLATTE_GRAMMAR_FAILED || status == LLATTE_INVALID_ARGUMENT);
        CHECK_OK(llatte_sampler_add_grammar(sampler.get(), "root ::= \"a\"", "root", &error()));
    }
    auto sampler = chain();
    CHECK_STATUS(LLATTE_INVALID_ARGUMENT, llatte_sampler_add_format(sampler.get(), nullptr, -1, nullptr, &error()));
    CHECK_STATUS(LLATTE_INVALID_ARGUMENT, add(sampler, "{}", -2));
    CHECK_OK(add(sampler, R"({"grammar":"root ::= \"a\"","thinking_end_tags":[]})"));
    CHECK_STATUS(LLATTE_INVALID_STATE, add(sampler, R"({"thinking_end_tags":[]})"));
    CHECK_STATUS(LLATTE_INVALID_STATE, llatte_sampler_add_grammar(sampler.get(), "root ::= \"a\"", "root", &error()));
}

CASE(special_tokens_stand_for_no_characters) {
    const llama_token begin = 1; // <s>
    auto plain = greedy(R"({"grammar":"root ::= [^x]+","thinking_end_tags":[]})");
    CHECK(!plain->bounds.allows(begin));
    CHECK(plain->bounds.allows(3 + ('a' - ' ')));
    auto keeping = greedy(R"({"grammar":"root ::= [^x]+","preserved_tokens":["<s>"],"thinking_end_tags":[]})");
    CHECK(keeping->bounds.allows(begin));
}

CASE(a_bound_that_another_stage_contradicts) {
    auto             sampler = chain();
    llama_logit_bias never{ 3 + ('1' - ' '), -INFINITY };
    CHECK_OK(add(sampler, R"({"grammar":"root ::= \"1\"","thinking_end_tags":[]})"));
    CHECK_OK(llatte_sampler_add_logit_bias(sampler.get(), &never, 1, &error()));
    CHECK_OK(llatte_sampler_add_greedy(sampler.get(), &error()));
    int32_t token = -1;
    CHECK_STATUS(LLATTE_GRAMMAR_FAILED, llatte_sampler_sample(sampler.get(), world().context.get(), -1, &token, &error()));
    CHECK(token == -1);
}

// Beginnings leave out nothing that the grammar allows: each token is judged by itself, at many states of several grammars.
CASE(beginnings_of_what_is_allowed) {
    const llatte_model * model = world().model.get();
    std::mt19937         random(7);
    int64_t              n_pruned = 0;
    for (const char * grammar : { "root ::= (\"yes\" | \"no\" | \" \"){0,9} \"hello world\"", "root ::= [a-h]+ (\"<\" [0-9]{2} \">\" | root)",
                                  "root ::= \"{\" [ \\t\\n]* \"\\\"\" [^\\\"]* \"\\\"\" \"}\"", "root ::= <[5]> root | <[9]> \"no\"", "root ::= \"\\u20ac\" | \"y\"" }) {
        auto sampler = chain();
        CHECK_OK(llatte_sampler_add_grammar(sampler.get(), grammar, "root", &error()));
        llatte::constraint & bounds = sampler->bounds;
        for (int step = 0; step < 60; step++) {
            const llatte::beginnings::set possible = bounds.possible();
            std::vector<llama_token>      allowed;
            for (llama_token token = 0; token < model->n_vocab; token++) {
                const bool kept = possible.test(model->beginnings->of(token));
                n_pruned += !kept;
                if (bounds.allows(token)) {
                    CHECK(kept);
                    allowed.push_back(token);
                }
            }
            if (allowed.empty() || llama_vocab_is_eog(model->vocab, allowed.back())) {
                bounds.reset();
                continue;
            }
            const llama_token next = allowed[random() % allowed.size()];
            llama_vocab_is_eog(model->vocab, next) ? bounds.reset() : bounds.accept(next);
        }
    }
    CHECK(n_pruned > 10000);
}

int main(int argc, char ** argv) {
    return fixture::main(argc, argv);
}
