// Chains of samplers, and grammars.
#include "fixture.h"

#include <cmath>

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

fixture::sampler_ptr chain() {
    llatte_sampler * sampler = nullptr;
    CHECK_OK(llatte_sampler_create(world().model.get(), &sampler, &error()));
    return fixture::sampler_ptr(sampler);
}

int32_t add_grammar(const fixture::sampler_ptr & sampler, const std::string & text, const char * root = "root") {
    return llatte_sampler_add_grammar(sampler.get(), text.c_str(), root, &error());
}

fixture::sampler_ptr constrained(const std::string & grammar) {
    auto sampler = chain();
    CHECK_OK(add_grammar(sampler, grammar));
    CHECK_OK(llatte_sampler_add_greedy(sampler.get(), &error()));
    return sampler;
}

int32_t sample(const fixture::sampler_ptr & sampler, int32_t * token, int32_t row = -1) {
    return llatte_sampler_sample(sampler.get(), world().context.get(), row, token, &error());
}

std::string repeated(const char * text, int32_t times) {
    std::string all;
    for (int32_t i = 0; i < times; i++) {
        all += text;
    }
    return all;
}

int32_t from_schema(const std::string & schema, std::string * grammar = nullptr) {
    llatte_text   text{};
    const int32_t status = llatte_grammar_from_schema(schema.c_str(), &text, &error());
    if (status == LLATTE_OK && grammar != nullptr) {
        *grammar = text.data;
    }
    llatte_text_free(&text);
    return status;
}

} // namespace

CASE(sampling_without_logits) {
    auto sampler = chain();
    CHECK_OK(llatte_sampler_add_greedy(sampler.get(), &error()));
    auto    fresh = fixture::context(world().model);
    int32_t token = -7;
    CHECK_STATUS(LLATTE_INVALID_STATE, llatte_sampler_sample(sampler.get(), fresh.get(), -1, &token, &error()));
    for (int32_t row : { 0, 4, -2, INT32_MAX, INT32_MIN }) {
        CHECK_STATUS(LLATTE_INVALID_ARGUMENT, sample(sampler, &token, row));
    }
    CHECK(token == -7);
    CHECK_OK(sample(sampler, &token));
    CHECK(token >= 0 && token < 128);
}

CASE(sampling_without_a_selecting_stage) {
    auto    sampler = chain();
    int32_t token   = 0;
    CHECK_STATUS(LLATTE_INVALID_STATE, sample(sampler, &token));
    CHECK_OK(llatte_sampler_add_top_k(sampler.get(), 40, &error()));
    CHECK_STATUS(LLATTE_INVALID_STATE, sample(sampler, &token));
}

CASE(sampling_with_null) {
    auto    sampler = chain();
    int32_t token   = 0;
    CHECK_OK(llatte_sampler_add_greedy(sampler.get(), &error()));
    CHECK_STATUS(LLATTE_INVALID_ARGUMENT, llatte_sampler_sample(nullptr, world().context.get(), -1, &token, &error()));
    CHECK_STATUS(LLATTE_INVALID_ARGUMENT, llatte_sampler_sample(sampler.get(), nullptr, -1, &token, &error()));
    CHECK_STATUS(LLATTE_INVALID_ARGUMENT, sample(sampler, nullptr));
    CHECK_STATUS(LLATTE_INVALID_ARGUMENT, llatte_sampler_create(nullptr, nullptr, &error()));
    CHECK_STATUS(LLATTE_INVALID_ARGUMENT, llatte_sampler_add_greedy(nullptr, &error()));
    llatte_sampler_free(nullptr);
}

CASE(a_stage_after_a_selecting_one) {
    auto sampler = chain();
    CHECK_OK(llatte_sampler_add_dist(sampler.get(), 1, &error()));
    CHECK_STATUS(LLATTE_INVALID_STATE, llatte_sampler_add_top_k(sampler.get(), 5, &error()));
    CHECK_STATUS(LLATTE_INVALID_STATE, llatte_sampler_add_dist(sampler.get(), 1, &error()));
}

CASE(a_sampler_of_another_vocabulary) {
    auto             params = fixture::model_params();
    llatte_sampler * raw    = nullptr;
    params.vocab_only       = true;
    const auto tokens       = [](gguf_context * gguf) {
        auto more = fixture::vocabulary();
        more.push_back("<one more>");
        fixture::set_vocabulary(gguf, more);
    };
    auto other = fixture::load(fixture::edited_model(fixture::model_path("llama-dense"), "another-vocabulary", tokens), params);
    CHECK_OK(llatte_sampler_create(other.get(), &raw, &error()));
    fixture::sampler_ptr sampler(raw);
    int32_t              token = 0;
    CHECK_OK(llatte_sampler_add_greedy(raw, &error()));
    CHECK_STATUS(LLATTE_INVALID_STATE, sample(sampler, &token));
}

CASE(parameters_out_of_range) {
    auto sampler = chain();
    auto s       = sampler.get();
    auto e       = &error();
    const char * breakers[] = { "\n", nullptr };
    const llama_logit_bias bad_token[] = { { 128, 1.0f } };
    const llama_logit_bias bad_bias[]  = { { 1, NAN } };
    CHECK_STATUS(LLATTE_INVALID_ARGUMENT, llatte_sampler_add_top_k(s, -1, e));
    CHECK_STATUS(LLATTE_INVALID_ARGUMENT, llatte_sampler_add_top_p(s, NAN, 1, e));
    CHECK_STATUS(LLATTE_INVALID_ARGUMENT, llatte_sampler_add_top_p(s, 1.5f, 1, e));
    CHECK_STATUS(LLATTE_INVALID_ARGUMENT, llatte_sampler_add_top_p(s, 0.5f, -1, e));
    CHECK_STATUS(LLATTE_INVALID_ARGUMENT, llatte_sampler_add_min_p(s, -0.1f, 1, e));
    CHECK_STATUS(LLATTE_INVALID_ARGUMENT, llatte_sampler_add_typical(s, INFINITY, 1, e));
    CHECK_STATUS(LLATTE_INVALID_ARGUMENT, llatte_sampler_add_temperature(s, -1, 0, 1, e));
    CHECK_STATUS(LLATTE_INVALID_ARGUMENT, llatte_sampler_add_temperature(s, NAN, 0, 1, e));
    CHECK_STATUS(LLATTE_INVALID_ARGUMENT, llatte_sampler_add_penalties(s, -1, 1, 0, 0, e));
    CHECK_STATUS(LLATTE_INVALID_ARGUMENT, llatte_sampler_add_penalties(s, INT32_MAX, 1, 0, 0, e));
    CHECK_STATUS(LLATTE_INVALID_ARGUMENT, llatte_sampler_add_penalties(s, 64, 0, 0, 0, e));
    CHECK_STATUS(LLATTE_INVALID_ARGUMENT, llatte_sampler_add_dry(s, 1, 1, 2, 64, breakers, 2, e));
    CHECK_STATUS(LLATTE_INVALID_ARGUMENT, llatte_sampler_add_dry(s, 1, 1, 2, 64, nullptr, 2, e));
    CHECK_STATUS(LLATTE_INVALID_ARGUMENT, llatte_sampler_add_dry(s, 1, 1, 2, 64, nullptr, -1, e));
    CHECK_STATUS(LLATTE_INVALID_ARGUMENT, llatte_sampler_add_xtc(s, 2, 0, 1, 0, e));
    CHECK_STATUS(LLATTE_INVALID_ARGUMENT, llatte_sampler_add_mirostat(s, 0, 5, 0.1f, 0, e));
    CHECK_STATUS(LLATTE_INVALID_ARGUMENT, llatte_sampler_add_mirostat(s, 0, 5, 0.1f, 129, e));
    CHECK_STATUS(LLATTE_INVALID_ARGUMENT, llatte_sampler_add_mirostat_v2(s, 0, NAN, 0.1f, e));
    CHECK_STATUS(LLATTE_INVALID_ARGUMENT, llatte_sampler_add_logit_bias(s, bad_token, 1, e));
    CHECK_STATUS(LLATTE_INVALID_ARGUMENT, llatte_sampler_add_logit_bias(s, bad_bias, 1, e));
    CHECK_STATUS(LLATTE_INVALID_ARGUMENT, llatte_sampler_add_logit_bias(s, nullptr, 1, e));
    CHECK_STATUS(LLATTE_INVALID_ARGUMENT, llatte_sampler_add_logit_bias(s, bad_token, -1, e));
    llatte_text text{};
    CHECK_OK(llatte_sampler_describe(s, &text, e));
    CHECK(text.length == 0);
    llatte_text_free(&text);
}

CASE(every_stage_at_its_edges) {
    const float zero_or_one[] = { 0.0f, 1.0f };
    for (float value : zero_or_one) {
        for (int32_t keep : { 0, 1, 1000000 }) {
            for (int last = 0; last < 4; last++) {
                auto         sampler    = chain();
                auto         s          = sampler.get();
                auto         e          = &error();
                const char * breakers[] = { "\n", "", "hello", "zzz", "\xff" };
                const llama_logit_bias biases[] = { { 0, -INFINITY }, { 5, INFINITY }, { 5, 1.0f } };
                CHECK_OK(llatte_sampler_add_logit_bias(s, biases, keep == 0 ? 0 : keep == 1 ? 1 : 3, e));
                CHECK_OK(llatte_sampler_add_penalties(s, keep == 1000000 ? 1 << 20 : keep, 1 + value, value, value, e));
                CHECK_OK(llatte_sampler_add_dry(s, value, 1 + value, keep % 100, keep == 1000000 ? 1 << 20 : keep, breakers, 5, e));
                CHECK_OK(llatte_sampler_add_top_k(s, keep, e));
                CHECK_OK(llatte_sampler_add_typical(s, value, keep, e));
                CHECK_OK(llatte_sampler_add_top_p(s, value, keep, e));
                CHECK_OK(llatte_sampler_add_min_p(s, value, keep, e));
                CHECK_OK(llatte_sampler_add_xtc(s, value, value / 2, keep, 7, e));
                CHECK_OK(llatte_sampler_add_temperature(s, value, value, value, e));
                CHECK_OK(last == 0   ? llatte_sampler_add_greedy(s, e)
                         : last == 1 ? llatte_sampler_add_dist(s, 7, e)
                         : last == 2 ? llatte_sampler_add_mirostat(s, 7, value, value, keep == 1000000 ? 128 : 2, e)
                                     : llatte_sampler_add_mirostat_v2(s, 7, value, value, e));
                for (int i = 0; i < 3; i++) {
                    int32_t       token  = -1;
                    const int32_t status = sample(sampler, &token);
                    CHECK(status == LLATTE_OK ? token >= 0 && token < 128 : true);
                }
            }
        }
    }
}

CASE(logits_that_are_no_numbers) {
    auto  context = fixture::context(world().model);
    batch rows(4);
    rows.tokens.clear();
    rows.embeddings.assign(4 * llama_model_n_embd_inp(llatte_model_handle(world().model.get())), NAN);
    if (rows.decode(context) != LLATTE_OK) {
        return;
    }
    for (int last = 0; last < 4; last++) {
        auto    sampler = chain();
        auto    s       = sampler.get();
        int32_t token   = 0;
        CHECK_OK(llatte_sampler_add_top_k(s, 40, &error()));
        CHECK_OK(llatte_sampler_add_top_p(s, 0.9f, 1, &error()));
        CHECK_OK(llatte_sampler_add_temperature(s, 0.8f, 0, 1, &error()));
        CHECK_OK(last == 0   ? llatte_sampler_add_greedy(s, &error())
                 : last == 1 ? llatte_sampler_add_dist(s, 7, &error())
                 : last == 2 ? llatte_sampler_add_mirostat(s, 7, 5, 0.1f, 100, &error())
                             : llatte_sampler_add_mirostat_v2(s, 7, 5, 0.1f, &error()));
        const int32_t status = llatte_sampler_sample(s, context.get(), -1, &token, &error());
        CHECK(status != LLATTE_OK || (token >= 0 && token < 128));
    }
}

CASE(accepting_bad_tokens) {
    auto sampler = chain();
    CHECK_OK(llatte_sampler_add_penalties(sampler.get(), 64, 1.1f, 0, 0, &error()));
    for (int32_t token : { -1, 128, INT32_MAX, INT32_MIN }) {
        CHECK_STATUS(LLATTE_INVALID_ARGUMENT, llatte_sampler_accept(sampler.get(), token, &error()));
        CHECK_STATUS(LLATTE_INVALID_ARGUMENT, llatte_sampler_accept_prompt(sampler.get(), &token, 1, &error()));
    }
    CHECK_STATUS(LLATTE_INVALID_ARGUMENT, llatte_sampler_accept_prompt(sampler.get(), nullptr, 1, &error()));
    CHECK_STATUS(LLATTE_INVALID_ARGUMENT, llatte_sampler_accept_prompt(sampler.get(), nullptr, -1, &error()));
    CHECK_OK(llatte_sampler_accept_prompt(sampler.get(), nullptr, 0, &error()));
}

CASE(clones_and_resets) {
    auto             sampler = constrained("root ::= \"yes\" | \"no\"");
    llatte_sampler * raw     = nullptr;
    CHECK_OK(llatte_sampler_clone(sampler.get(), &raw, &error()));
    fixture::sampler_ptr copy(raw);
    int32_t              first  = 0;
    int32_t              second = 0;
    CHECK_OK(sample(sampler, &first));
    sampler.reset();
    CHECK_OK(sample(copy, &second));
    CHECK(first == second);
    CHECK_OK(llatte_sampler_reset(copy.get(), &error()));
    CHECK_OK(sample(copy, &second));
    CHECK(first == second);
    CHECK_STATUS(LLATTE_INVALID_ARGUMENT, llatte_sampler_clone(nullptr, &raw, &error()));
    CHECK_STATUS(LLATTE_INVALID_ARGUMENT, llatte_sampler_reset(nullptr, &error()));
}

// A context whose last decode gave output for eight rows of four sequences.
fixture::context_ptr eight_rows() {
    auto  context = fixture::context(world().model);
    batch rows(8);
    for (int32_t i = 0; i < 8; i++) {
        rows.sequences[i] = i / 2;
        rows.positions[i] = i % 2;
        rows.outputs[i]   = 1;
    }
    CHECK_OK(rows.decode(context));
    return context;
}

// A call of llatte_sampler_sample_rows.
struct round_of {
    std::vector<llatte_sampler *> samplers;
    std::vector<int32_t>          rows;
    std::vector<int32_t>          tokens;
    std::vector<int32_t>          statuses;
    std::vector<llatte_error>     errors;

    void add(llatte_sampler * sampler, int32_t row) {
        samplers.push_back(sampler);
        rows.push_back(row);
        tokens.push_back(-7);
        statuses.push_back(-7);
        errors.push_back({});
    }

    int32_t sample(const fixture::context_ptr & context, int32_t n_threads = 0) {
        return llatte_sampler_sample_rows(context.get(), static_cast<int32_t>(rows.size()), samplers.data(), rows.data(), tokens.data(),
                                          statuses.data(), errors.data(), nullptr, n_threads, &error());
    }
};

CASE(rows_are_sampled_as_one_by_one) {
    const auto context = eight_rows();
    for (int32_t n_threads : { 0, 1, 2, 3 }) {
        for (int32_t count : { 1, 2, 3, 8 }) {
            std::vector<fixture::sampler_ptr> together;
            std::vector<fixture::sampler_ptr> alone;
            for (int32_t i = 0; i < count; i++) {
                for (auto * list : { &together, &alone }) {
                    list->push_back(chain());
                    llatte_sampler * one = list->back().get();
                    CHECK_OK(llatte_sampler_add_penalties(one, 16, 1.2f, 0.1f, 0, &error()));
                    CHECK_OK(i % 2 == 0 ? llatte_sampler_add_top_p(one, 0.9f, 1, &error()) : llatte_sampler_add_top_k(one, 20, &error()));
                    CHECK_OK(llatte_sampler_add_dist(one, 40 + i, &error()));
                }
            }
            for (int32_t step = 0; step < 20; step++) {
                round_of round;
                for (int32_t i = 0; i < count; i++) {
                    round.add(together[i].get(), i == 7 ? -1 : i);
                }
                CHECK_OK(round.sample(context, n_threads));
                for (int32_t i = 0; i < count; i++) {
                    int32_t token = 0;
                    CHECK_OK(llatte_sampler_sample(alone[i].get(), context.get(), i, &token, &error()));
                    CHECK_OK(round.statuses[i]);
                    CHECK(round.tokens[i] == token);
                }
            }
        }
    }
}

CASE(one_row_fails_among_several) {
    const auto context  = eight_rows();
    auto       good     = chain();
    auto       other    = chain();
    auto       unending = chain();
    auto       refusing = constrained("root ::= \"\xe2\x82\xac\"");
    CHECK_OK(llatte_sampler_add_greedy(good.get(), &error()));
    CHECK_OK(llatte_sampler_add_greedy(other.get(), &error()));
    round_of round;
    round.add(good.get(), 0);
    round.add(refusing.get(), 1);
    round.add(unending.get(), 2);
    round.add(nullptr, 3);
    round.add(good.get(), 4);
    round.add(other.get(), 8);
    round.add(other.get(), 5);
    const std::vector<int32_t> expected = { LLATTE_OK, LLATTE_GRAMMAR_FAILED, LLATTE_INVALID_STATE, LLATTE_INVALID_ARGUMENT,
                                            LLATTE_INVALID_ARGUMENT, LLATTE_INVALID_ARGUMENT, LLATTE_OK };
    for (int32_t i = 0; i < 5; i++) {
        CHECK_OK(round.sample(context));
        CHECK(round.statuses == expected);
        for (size_t row = 0; row < expected.size(); row++) {
            CHECK((expected[row] == LLATTE_OK) == (round.tokens[row] != -7));
            CHECK((expected[row] == LLATTE_OK) == (round.errors[row].message[0] == '\0'));
        }
    }
    // Without room for messages.
    CHECK_OK(llatte_sampler_sample_rows(context.get(), 7, round.samplers.data(), round.rows.data(), round.tokens.data(), round.statuses.data(),
                                        nullptr, nullptr, 0, &error()));
    CHECK(round.statuses == expected);
    fixture::check_usable(context);
}

CASE(rounds_with_bad_arguments) {
    const auto context = eight_rows();
    auto       sampler = chain();
    CHECK_OK(llatte_sampler_add_greedy(sampler.get(), &error()));
    llatte_sampler * one    = sampler.get();
    int32_t          row    = 0;
    int32_t          token  = -7;
    int32_t          status = -7;
    const auto       call   = [&](llatte_context * of, int32_t count, int32_t * rows, int32_t * tokens, int32_t * statuses, int32_t n_threads) {
        return llatte_sampler_sample_rows(of, count, &one, rows, tokens, statuses, nullptr, nullptr, n_threads, &error());
    };
    CHECK_STATUS(LLATTE_INVALID_ARGUMENT, call(nullptr, 1, &row, &token, &status, 1));
    CHECK_STATUS(LLATTE_INVALID_ARGUMENT, call(context.get(), 1, nullptr, &token, &status, 1));
    CHECK_STATUS(LLATTE_INVALID_ARGUMENT, call(context.get(), 1, &row, nullptr, &status, 1));
    CHECK_STATUS(LLATTE_INVALID_ARGUMENT, call(context.get(), 1, &row, &token, nullptr, 1));
    CHECK_STATUS(LLATTE_INVALID_ARGUMENT, llatte_sampler_sample_rows(context.get(), 1, nullptr, &row, &token, &status, nullptr, nullptr, 1, &error()));
    for (int32_t count : { -1, 33, INT32_MAX, INT32_MIN }) {
        CHECK_STATUS(LLATTE_INVALID_ARGUMENT, call(context.get(), count, &row, &token, &status, 1));
    }
    for (int32_t n_threads : { -1, 513, INT32_MAX, INT32_MIN }) {
        CHECK_STATUS(LLATTE_INVALID_ARGUMENT, call(context.get(), 1, &row, &token, &status, n_threads));
    }
    CHECK_OK(llatte_sampler_sample_rows(context.get(), 0, nullptr, nullptr, nullptr, nullptr, nullptr, nullptr, 0, &error()));
    CHECK(token == -7 && status == -7);
    for (int32_t bad : { 8, -2, INT32_MAX, INT32_MIN }) {
        CHECK_OK(call(context.get(), 1, &bad, &token, &status, 1));
        CHECK(status == LLATTE_INVALID_ARGUMENT && token == -7);
    }
    CHECK_OK(call(fixture::context(world().model).get(), 1, &row, &token, &status, 1));
    CHECK(status == LLATTE_INVALID_STATE && token == -7);
    CHECK_OK(call(context.get(), 1, &row, &token, &status, 1));
    CHECK(status == LLATTE_OK && token >= 0);
}

CASE(null_grammar) {
    auto sampler = chain();
    CHECK_STATUS(LLATTE_INVALID_ARGUMENT, llatte_sampler_add_grammar(sampler.get(), nullptr, "root", &error()));
    CHECK_STATUS(LLATTE_INVALID_ARGUMENT, llatte_sampler_add_grammar(sampler.get(), "root ::= \"a\"", nullptr, &error()));
}

CASE(grammars_that_cannot_be_parsed) {
    for (const char * text : { "", "root", "root ::=", "root ::= (", "root ::= )", "root ::= \"", "root ::= [", "root ::= [a-", "root ::= \"\\x\"",
                               "root ::= missing", "other ::= \"a\"", "root ::= root \"a\"", "root ::= a\na ::= root", "root ::= \"a\"{",
                               "root ::= \"a\"{5,1}", "root ::= \"a\"{99999999999}", "root ::= *", "root ::= \"\\U00110000\"", "\x01\x02",
                               "root ::= <[999999]>", "root ::= <nothing>", "::=", "root ::= \"\\", "root ::= [\\" }) {
        auto          sampler = chain();
        const int32_t status  = add_grammar(sampler, text);
        if (status == LLATTE_OK) { // llama.cpp takes it: then it must be usable
            CHECK_OK(llatte_sampler_add_greedy(sampler.get(), &error()));
            int32_t token = 0;
            sample(sampler, &token);
            continue;
        }
        CHECK(status == LLATTE_GRAMMAR_FAILED);
        llatte_text names{};
        CHECK_OK(llatte_sampler_describe(sampler.get(), &names, &error()));
        CHECK(names.length == 0);
        llatte_text_free(&names);
    }
    auto sampler = chain();
    CHECK_STATUS(LLATTE_GRAMMAR_FAILED, add_grammar(sampler, "root ::= \"a\"", "absent"));
    CHECK_STATUS(LLATTE_GRAMMAR_FAILED, add_grammar(sampler, "root ::= \"a\"", ""));
}

CASE(deep_nesting_of_200k_parentheses) {
    const std::string open  = repeated("(", 200000);
    const std::string close = repeated(")", 200000);
    for (const std::string & text : { "root ::= " + open + "\"a\"" + close, "root ::= " + open, open,
                                      "root ::= \"\\\"\" " + open + "\"a\"" + close, "root ::= [\"] " + open + "\"a\"" + close,
                                      "# \"\nroot ::= " + open + "\"a\"" + close, "root ::= [^\\]\"] " + open + "\"a\"" + close }) {
        auto sampler = chain();
        CHECK_STATUS(LLATTE_GRAMMAR_FAILED, add_grammar(sampler, text));
    }
    auto sampler = chain();
    CHECK_OK(add_grammar(sampler, "root ::= " + repeated("(", 256) + "\"a\"" + repeated(")", 256)));
}

CASE(long_chains_of_rules) {
    std::string chained = "root ::= r0\n";
    std::string flat    = "root ::= \"a\"";
    for (int32_t i = 0; i < 200000; i++) {
        chained += "r" + std::to_string(i) + " ::= r" + std::to_string(i + 1) + "\n";
    }
    auto sampler = chain();
    CHECK_STATUS(LLATTE_GRAMMAR_FAILED, add_grammar(sampler, chained));
    // The most that is allowed.
    chained = "root ::= r0\n";
    for (int32_t i = 0; i < 4000; i++) {
        chained += "r" + std::to_string(i) + " ::= r" + std::to_string(i + 1) + "\n";
        flat += " | \"a\"";
    }
    chained += "r4000 ::= \"a\"\n";
    CHECK_OK(add_grammar(sampler, chained));
    CHECK_STATUS(LLATTE_INVALID_STATE, add_grammar(sampler, flat));
    CHECK_OK(add_grammar(chain(), flat));
    CHECK_OK(llatte_sampler_add_greedy(sampler.get(), &error()));
    int32_t token = 0;
    sample(sampler, &token);
}

CASE(grammars_of_many_groups) {
    for (const char * group : { "(\"a\")", "(\"a\")*", "(\"a\" | \"b\")? ", "\"a\"{0,9} ", "(\"a\"{0,50}){0,50} ", "\"a\"* ", "[a-z]+ " }) {
        for (int32_t times : { 100, 5000 }) {
            auto          sampler = chain();
            const int32_t status  = add_grammar(sampler, "root ::= " + repeated(group, times));
            CHECK(status == LLATTE_OK || status == LLATTE_GRAMMAR_FAILED);
            if (status == LLATTE_OK && times == 100) {
                CHECK_OK(llatte_sampler_add_greedy(sampler.get(), &error()));
                int32_t token = 0;
                CHECK(sample(sampler, &token) != LLATTE_INTERNAL);
            }
        }
    }
}

CASE(impossible_grammars_in_sample) {
    auto    sampler = constrained("root ::= \"\xe2\x82\xac\"");
    int32_t token   = 0;
    CHECK_STATUS(LLATTE_GRAMMAR_FAILED, sample(sampler, &token)); // no token of this vocabulary begins so
    fixture::check_usable(world().context);
    CHECK_OK(batch(4).decode(world().context));
}

CASE(impossible_grammars_in_accept) {
    auto sampler = constrained("root ::= \"yes\"");
    CHECK_STATUS(LLATTE_GRAMMAR_FAILED, llatte_sampler_accept(sampler.get(), 5, &error()));
    CHECK_STATUS(LLATTE_GRAMMAR_FAILED, llatte_sampler_accept(sampler.get(), 5, &error()));
    int32_t token = 0;
    CHECK(sample(sampler, &token) != LLATTE_INTERNAL);
    CHECK_OK(llatte_sampler_accept_prompt(sampler.get(), std::vector<int32_t>{ 5, 6, 7 }.data(), 3, &error())); // prompts are free
}

CASE(a_grammar_that_has_ended) {
    auto    sampler = constrained("root ::= \"yes\"");
    int32_t token   = 0;
    for (int i = 0; i < 6; i++) {
        const int32_t status = sample(sampler, &token);
        CHECK(status == LLATTE_OK || status == LLATTE_GRAMMAR_FAILED);
    }
    llatte_sampler_accept(sampler.get(), 2, &error()); // the end once more
    llatte_sampler_accept(sampler.get(), 10, &error());
    CHECK_OK(llatte_sampler_reset(sampler.get(), &error()));
    CHECK_OK(sample(sampler, &token));
}

int32_t from_pattern(const std::string & pattern, std::string * grammar = nullptr) {
    llatte_text   text{};
    const int32_t status = llatte_grammar_from_pattern(pattern.c_str(), &text, &error());
    if (status == LLATTE_OK && grammar != nullptr) {
        *grammar = text.data;
    }
    llatte_text_free(&text);
    return status;
}

CASE(patterns_become_grammars_without_quotes) {
    for (const char * pattern : { "ab", "^ab", "ab$", "^ab$" }) {
        std::string grammar;
        CHECK_OK(from_pattern(pattern, &grammar));
        CHECK(grammar.rfind("root ::= (\"ab\")\n", 0) == 0);
    }
    std::string price;
    CHECK_OK(from_pattern("\\$", &price)); // an escaped dollar is no anchor
    CHECK(price.rfind("root ::= (\"$\")\n", 0) == 0);
    CHECK_OK(from_pattern("[0-9]{3}-(a|b)+ \"q\"", &price));
    auto sampler = chain();
    CHECK_OK(add_grammar(sampler, price));
    for (const char * pattern : { "", "\\d", "a\\b", "(?=a)", "(?<n>a)", "a^b", "a(", "a)", "*", "[a", "a{", "a\nb", "\\" }) {
        CHECK_STATUS(LLATTE_GRAMMAR_FAILED, from_pattern(pattern));
    }
    CHECK_STATUS(LLATTE_GRAMMAR_FAILED, from_pattern(repeated("(", 200000)));
    CHECK_STATUS(LLATTE_GRAMMAR_FAILED, from_pattern(repeated("a", 70000)));
    CHECK_STATUS(LLATTE_INVALID_ARGUMENT, llatte_grammar_from_pattern(nullptr, nullptr, &error()));
}

CASE(schemas_that_cannot_be_converted) {
    std::string grammar;
    CHECK_OK(from_schema(R"({"type":"object","properties":{"a":{"type":"integer"}},"required":["a"]})", &grammar));
    auto sampler = chain();
    CHECK_OK(add_grammar(sampler, grammar));
    CHECK_STATUS(LLATTE_INVALID_ARGUMENT, llatte_grammar_from_schema(nullptr, nullptr, &error()));
    for (const char * schema : { "", "{", "[]", "null", "5", "\"a\"", R"({"type":5})", R"({"type":"nothing"})", R"({"$ref":"#"})",
                                 R"({"$ref":"#/nowhere"})", R"({"$ref":"http://localhost:1/x"})", R"({"pattern":"^((((a$","type":"string"})",
                                 R"({"pattern":"^(?=a)$","type":"string"})", R"({"type":"string","minLength":-1})",
                                 R"({"type":"string","minLength":5,"maxLength":1})", R"({"type":"integer","minimum":9,"maximum":1})",
                                 R"({"type":"integer","minimum":-9223372036854775808,"maximum":9223372036854775807})",
                                 R"({"type":"array","minItems":9999999999})", R"({"enum":[]})", R"({"enum":5})", R"({"properties":5})",
                                 R"({"allOf":[{"$ref":"#"}]})", R"({"properties":{"a":{"$ref":"#"}}})", R"({"const":{}})",
                                 R"({"type":"array","items":5})", R"({"required":5,"type":"object"})" }) {
        const int32_t status = from_schema(schema, &grammar);
        CHECK(status == LLATTE_OK || status == LLATTE_GRAMMAR_FAILED);
        if (status == LLATTE_OK) {
            auto one = chain();
            CHECK(add_grammar(one, grammar) != LLATTE_INTERNAL);
        }
    }
}

CASE(deep_nesting_of_schemas) {
    CHECK_STATUS(LLATTE_GRAMMAR_FAILED, from_schema(repeated("{\"items\":", 60000) + "{}" + repeated("}", 60000)));
    CHECK_STATUS(LLATTE_GRAMMAR_FAILED, from_schema(repeated("[", 200000) + repeated("]", 200000)));
    CHECK_STATUS(LLATTE_GRAMMAR_FAILED, from_schema("{\"type\":\"string\",\"pattern\":\"^" + repeated("(", 200000) + "a" + repeated(")", 200000) + "$\"}"));
    // As deep as is allowed.
    CHECK_OK(from_schema(repeated("{\"type\":\"array\",\"items\":", 127) + "{}" + repeated("}", 127)));
    CHECK_OK(from_schema(repeated("{\"type\":\"object\",\"properties\":{\"a\":", 63) + "{}" + repeated("}}", 63)));
    CHECK_OK(from_schema(repeated("{\"anyOf\":[", 63) + "{}" + repeated("]}", 63)));
    CHECK_OK(from_schema("{\"type\":\"string\",\"pattern\":\"^" + repeated("(", 128) + "a" + repeated(")", 128) + "$\"}"));
}

int main(int argc, char ** argv) {
    return fixture::main(argc, argv);
}
