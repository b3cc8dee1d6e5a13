// Chains that run in the graph of a decode: that they choose as they do outside, and that nothing outlives anything.
#include "fixture.h"

#include <random>

using check::error;
using fixture::batch;

namespace {

const fixture::model_ptr & model() {
    static const fixture::model_ptr one = fixture::load(fixture::speaking_model());
    return one;
}

fixture::sampler_ptr chain(const std::function<void(llatte_sampler *)> & add, const fixture::model_ptr & of = model()) {
    llatte_sampler * sampler = nullptr;
    CHECK_OK(llatte_sampler_create(of.get(), &sampler, &error()));
    fixture::sampler_ptr owned(sampler);
    add(sampler);
    return owned;
}

fixture::sampler_ptr greedy() {
    return chain([](auto * s) { CHECK_OK(llatte_sampler_add_greedy(s, &error())); });
}

void usual(llatte_sampler * s) {
    CHECK_OK(llatte_sampler_add_penalties(s, 16, 1.1f, 0.1f, 0.1f, &error()));
    CHECK_OK(llatte_sampler_add_top_k(s, 40, &error()));
    CHECK_OK(llatte_sampler_add_top_p(s, 0.95f, 1, &error()));
    CHECK_OK(llatte_sampler_add_min_p(s, 0.05f, 1, &error()));
    CHECK_OK(llatte_sampler_add_temperature(s, 0.8f, 0, 1, &error()));
    CHECK_OK(llatte_sampler_add_dist(s, 7, &error()));
}

bool attach(const fixture::context_ptr & context, int32_t sequence, const fixture::sampler_ptr & sampler) {
    bool accepted = false;
    CHECK_OK(llatte_context_set_sampler(context.get(), sequence, sampler.get(), &accepted, &error()));
    return accepted;
}

void take_out(const fixture::context_ptr & context, int32_t sequence) {
    CHECK_OK(llatte_context_set_sampler(context.get(), sequence, nullptr, nullptr, &error()));
}

// A token for each of some sequences, each with output.
batch step(const std::vector<int32_t> & tokens, int32_t position) {
    batch one(static_cast<int32_t>(tokens.size()));
    for (size_t i = 0; i < tokens.size(); i++) {
        one.tokens[i]    = tokens[i];
        one.positions[i] = position;
        one.sequences[i] = static_cast<int32_t>(i);
        one.outputs[i]   = 1;
    }
    return one;
}

int32_t sampled(const fixture::sampler_ptr & sampler, const fixture::context_ptr & context, int32_t row) {
    int32_t token = -7;
    CHECK_OK(llatte_sampler_sample(sampler.get(), context.get(), row, &token, &error()));
    return token;
}

std::string stages(const fixture::sampler_ptr & sampler) {
    llatte_text text{};
    CHECK_OK(llatte_sampler_describe(sampler.get(), &text, &error()));
    const std::string copy(text.data);
    llatte_text_free(&text);
    return copy;
}

} // namespace

CASE(greedy_chains_choose_the_same_in_the_graph) {
    const std::vector<std::function<void(llatte_sampler *)>> before = {
        [](auto *) {},
        [](auto * s) { CHECK_OK(llatte_sampler_add_penalties(s, 16, 1.3f, 0.2f, 0.1f, &error())); },
        [](auto * s) {
            const llama_logit_bias biases[] = { { 3, 2.0f }, { 9, -INFINITY }, { 100, 1.0f } };
            CHECK_OK(llatte_sampler_add_logit_bias(s, biases, 3, &error()));
        },
        [](auto * s) {
            CHECK_OK(llatte_sampler_add_min_p(s, 0.5f, 1, &error()));
            CHECK_OK(llatte_sampler_add_temperature(s, 0.5f, 0, 1, &error()));
        },
    };
    auto                              inside  = fixture::context(model());
    auto                              outside = fixture::context(model());
    std::vector<fixture::sampler_ptr> graph;
    std::vector<fixture::sampler_ptr> host;
    std::vector<int32_t>              tokens;
    for (size_t i = 0; i < before.size(); i++) {
        for (auto * list : { &graph, &host }) {
            list->push_back(chain(before[i]));
            CHECK_OK(llatte_sampler_add_greedy(list->back().get(), &error()));
        }
        CHECK(attach(inside, static_cast<int32_t>(i), graph[i]));
        CHECK(attach(inside, static_cast<int32_t>(i), graph[i])); // it is there already
        tokens.push_back(10 + static_cast<int32_t>(i));
    }
    for (int32_t position = 0; position < 60; position++) {
        CHECK_OK(step(tokens, position).decode(inside));
        CHECK_OK(step(tokens, position).decode(outside));
        for (size_t i = 0; i < tokens.size(); i++) {
            tokens[i] = sampled(graph[i], inside, static_cast<int32_t>(i));
            CHECK(tokens[i] == sampled(host[i], outside, static_cast<int32_t>(i)));
        }
    }
}

// The uniform numbers are the same, and the probabilities nearly.
CASE(random_chains_choose_nearly_the_same_in_the_graph) {
    auto    inside  = fixture::context(model());
    auto    outside = fixture::context(model());
    auto    graph   = chain(usual);
    auto    host    = chain(usual);
    int32_t token   = 10;
    int32_t same    = 0;
    CHECK(attach(inside, 0, graph));
    CHECK(stages(graph) == stages(host));
    for (int32_t position = 0; position < 60; position++) {
        CHECK_OK(step({ token }, position).decode(inside));
        CHECK_OK(step({ token }, position).decode(outside));
        token               = sampled(graph, inside, 0);
        const int32_t other = sampled(host, outside, 0);
        same += token == other;
        if (token != other) { // the penalties of both go on with the same past
            break;
        }
    }
    CHECK(same > 20);
}

CASE(a_round_of_graph_rows_and_others) {
    auto                              context = fixture::context(model());
    std::vector<fixture::sampler_ptr> all;
    std::vector<llatte_sampler *>     raw;
    const std::vector<int32_t>        rows = { 0, 1, 2, 3 };
    for (int32_t i = 0; i < 4; i++) {
        all.push_back(greedy());
        raw.push_back(all[i].get());
    }
    CHECK(attach(context, 1, all[1]));
    CHECK(attach(context, 3, all[3]));
    std::vector<int32_t> tokens(4, 10);
    for (int32_t position = 0; position < 20; position++) {
        std::vector<int32_t> statuses(4, -7);
        const auto           before = tokens;
        CHECK_OK(step(tokens, position).decode(context));
        CHECK_OK(llatte_sampler_sample_rows(context.get(), 4, raw.data(), rows.data(), tokens.data(), statuses.data(), nullptr, nullptr, 2,
                                            &error()));
        CHECK(statuses == std::vector<int32_t>(4, LLATTE_OK));
        for (int32_t i = 1; i < 4; i++) {
            CHECK(tokens[i] == tokens[0]); // the same past, whoever chooses
        }
        const float * logits = nullptr;
        CHECK_OK(llatte_context_logits(context.get(), 0, &logits, &error()));
        CHECK_STATUS(LLATTE_INVALID_STATE, llatte_context_logits(context.get(), 1, &logits, &error()));
        CHECK_STATUS(LLATTE_INVALID_STATE, llatte_context_logits(context.get(), -1, &logits, &error()));
        llatte_logprobs logprobs{};
        CHECK_OK(llatte_context_logprobs(context.get(), 0, tokens[0], &logprobs, &error()));
        CHECK_STATUS(LLATTE_INVALID_STATE, llatte_context_logprobs(context.get(), 1, tokens[1], &logprobs, &error()));
        int32_t token = -7;
        CHECK_STATUS(LLATTE_INVALID_STATE, llatte_sampler_sample(raw[0], context.get(), 1, &token, &error()));
        CHECK(token == -7);
    }
}

CASE(chains_that_no_graph_runs) {
    auto       context = fixture::context(model());
    const auto with    = [&](const std::function<void(llatte_sampler *)> & add, bool dist = true) {
        auto one = chain(add);
        CHECK_OK(dist ? llatte_sampler_add_dist(one.get(), 3, &error()) : llatte_sampler_add_greedy(one.get(), &error()));
        return one;
    };
    std::vector<fixture::sampler_ptr> chains;
    chains.push_back(with([](auto * s) { CHECK_OK(llatte_sampler_add_typical(s, 0.9f, 1, &error())); }));
    chains.push_back(with([](auto * s) { CHECK_OK(llatte_sampler_add_xtc(s, 0.5f, 0.1f, 1, 3, &error())); }));
    chains.push_back(with([](auto * s) { CHECK_OK(llatte_sampler_add_dry(s, 0.8f, 1.75f, 2, 64, nullptr, 0, &error())); }));
    chains.push_back(with([](auto * s) { CHECK_OK(llatte_sampler_add_grammar(s, "root ::= [a-z]+", "root", &error())); }));
    chains.push_back(with([](auto * s) { CHECK_OK(llatte_sampler_add_temperature(s, 0.8f, 0.2f, 1, &error())); }));
    chains.push_back(with([](auto * s) { CHECK_OK(llatte_sampler_add_temperature(s, 0, 0, 1, &error())); }));
    chains.push_back(with([](auto * s) { CHECK_OK(llatte_sampler_add_top_k(s, 129, &error())); }));
    chains.push_back(with([](auto * s) { CHECK_OK(llatte_sampler_add_top_k(s, 1 << 30, &error())); }));
    chains.push_back(with([](auto * s) {
        CHECK_OK(llatte_sampler_add_top_k(s, 10, &error()));
        CHECK_OK(llatte_sampler_add_top_k(s, 20, &error()));
    }));
    chains.push_back(with([](auto * s) { CHECK_OK(llatte_sampler_add_top_k(s, 10, &error())); }, false));
    chains.push_back(with([](auto * s) { CHECK_OK(llatte_sampler_add_top_p(s, 0.9f, 1, &error())); }, false));
    chains.push_back(with([](auto * s) { CHECK_OK(llatte_sampler_add_top_p(s, 0.9f, 5, &error())); }));
    chains.push_back(with([](auto * s) { CHECK_OK(llatte_sampler_add_min_p(s, 0.9f, 5, &error())); }));
    chains.push_back(with([](auto * s) {
        const llama_logit_bias bias{ 100, 1 };
        CHECK_OK(llatte_sampler_add_top_k(s, 10, &error()));
        CHECK_OK(llatte_sampler_add_logit_bias(s, &bias, 1, &error()));
    }));
    chains.push_back(with([](auto * s) {
        const llama_logit_bias twins[] = { { 100, 1 }, { 3, 1 }, { 100, 1 } };
        CHECK_OK(llatte_sampler_add_logit_bias(s, twins, 3, &error()));
    }));
    chains.push_back(chain([](auto * s) { CHECK_OK(llatte_sampler_add_mirostat_v2(s, 3, 5, 0.1f, &error())); }));
    int32_t position = 0;
    auto    kept     = greedy();
    CHECK(attach(context, 1, kept));
    for (const auto & one : chains) {
        const std::string names = stages(one);
        CHECK(!attach(context, 0, one));
        CHECK(!attach(context, 1, one)); // and what is there stays
        CHECK(stages(one) == names);
        CHECK_OK(step({ 10, 11 }, position++).decode(context));
        int32_t token = -7;
        CHECK_OK(llatte_sampler_sample(one.get(), context.get(), 0, &token, &error()));
        CHECK(token >= 0 && token < 128);
        sampled(kept, context, 1);
    }
}

CASE(models_of_every_kind) {
    for (const char * name : { "llama-dense", "gemma3-dense", "mamba-dense", "falcon-h1-dense", "llada-dense", "gpt2-dense", "qwen2vl-dense" }) {
        if (FILE * file = fopen(fixture::model_path(name).c_str(), "rb")) {
            fclose(file);
        } else {
            continue;
        }
        auto of      = fixture::load(fixture::model_path(name));
        auto context = fixture::context(of);
        auto one     = chain([](auto * s) { CHECK_OK(llatte_sampler_add_greedy(s, &error())); }, of);
        auto two     = chain([](auto * s) { CHECK_OK(llatte_sampler_add_greedy(s, &error())); }, of);
        CHECK(attach(context, 0, one) == (std::string(name) != "llada-dense"));
        for (int32_t position = 0; position < 5; position++) {
            CHECK_OK(step({ 10, 10 }, position).decode(context));
            CHECK(sampled(one, context, 0) == sampled(two, context, 1));
        }
    }
}

CASE(outputs_of_an_attached_sequence) {
    auto context = fixture::context(model());
    auto one     = greedy();
    CHECK(attach(context, 0, one));
    batch two(4);
    two.outputs[1] = 1;
    CHECK_STATUS(LLATTE_INVALID_ARGUMENT, two.decode(context));
    CHECK(fixture::range_of(context, 0).last == -1);
    batch silent(4);
    silent.outputs[3] = 0;
    CHECK_OK(silent.decode(context)); // a prompt's part
    int32_t token = -7;
    CHECK_STATUS(LLATTE_INVALID_STATE, llatte_sampler_sample(one.get(), context.get(), -1, &token, &error()));
    CHECK_OK(batch(3, 4).decode(context));
    CHECK(sampled(one, context, -1) >= 0);
    CHECK_STATUS(LLATTE_INVALID_ARGUMENT, llatte_sampler_sample(one.get(), context.get(), 0, &token, &error()));
    // Several micro-batches.
    CHECK_OK(batch(30, 7).decode(context));
    CHECK(sampled(one, context, -1) >= 0);

    auto params       = fixture::context_params();
    params.kv_unified = true;
    auto  unified     = fixture::context(model(), params);
    batch shared(1);
    shared.sequences       = { 1, 2 };
    shared.sequence_counts = { 2 };
    shared.stride          = 2;
    CHECK(attach(unified, 2, greedy()) );
    CHECK_OK(shared.decode(unified)); // the sampler was freed at once
    auto other = greedy();
    CHECK(attach(unified, 2, other));
    shared.positions = { 1 };
    CHECK_STATUS(LLATTE_INVALID_ARGUMENT, shared.decode(unified));
    CHECK_OK(llatte_context_set_embeddings(context.get(), true, &error()));
    CHECK_STATUS(LLATTE_INVALID_ARGUMENT, batch(2, 37).decode(context)); // all rows are output
    CHECK_OK(llatte_context_set_embeddings(context.get(), false, &error()));
    CHECK_OK(batch(2, 37).decode(context));
}

CASE(lifetimes_of_attached_samplers) {
    auto context = fixture::context(model());
    { // the sampler goes first, with and without a decode
        auto one = greedy();
        CHECK(attach(context, 0, one));
        CHECK_OK(batch(4).decode(context));
        one.reset();
        int32_t token = -7;
        auto    other = greedy(); // perhaps at the same address
        CHECK_STATUS(LLATTE_INVALID_STATE, llatte_sampler_sample(other.get(), context.get(), -1, &token, &error()));
        CHECK_OK(batch(1, 4).decode(context));
        sampled(other, context, -1);
        CHECK(attach(context, 0, other));
        other.reset();
        CHECK_OK(batch(1, 5).decode(context));
    }
    { // the context goes first, and the sampler goes on
        auto one   = chain(usual);
        auto short_lived = fixture::context(model());
        CHECK(attach(short_lived, 2, one));
        CHECK_OK(batch(2, 0, 2).decode(short_lived));
        sampled(one, short_lived, -1);
        short_lived.reset();
        CHECK_OK(batch(1, 6).decode(context));
        sampled(one, context, -1);
        CHECK(attach(context, 0, one)); // a second time
        CHECK_OK(batch(1, 7).decode(context));
        sampled(one, context, -1);
        take_out(context, 0);
        take_out(context, 0);
        CHECK_OK(batch(1, 8).decode(context));
        sampled(one, context, -1);
        CHECK(attach(context, 1, one)); // and a third, elsewhere
        CHECK_STATUS(LLATTE_INVALID_STATE, [&] {
            bool accepted = false;
            return llatte_context_set_sampler(context.get(), 0, one.get(), &accepted, &error());
        }());
        auto foreign = fixture::context(model());
        CHECK_OK(batch(2).decode(foreign));
        int32_t token = -7;
        CHECK_STATUS(LLATTE_INVALID_STATE, llatte_sampler_sample(one.get(), foreign.get(), -1, &token, &error()));
        auto next = greedy();
        CHECK(attach(context, 1, next)); // takes its place
        CHECK(attach(foreign, 0, one));
        CHECK_OK(batch(2, 2).decode(foreign));
        sampled(one, foreign, -1);
        CHECK_OK(batch(2, 0, 1).decode(context));
        sampled(next, context, -1);
    }
    fixture::check_usable(context);
}

CASE(the_state_of_a_chain_goes_on_outside) {
    auto inside  = fixture::context(model());
    auto outside = fixture::context(model());
    auto graph   = chain(usual);
    auto host    = chain(usual);
    CHECK(attach(inside, 0, graph));
    int32_t token = 10;
    for (int32_t position = 0; position < 30; position++) {
        if (position % 10 == 5) {
            take_out(inside, 0);
        } else if (position % 10 == 0) {
            CHECK(attach(inside, 0, graph));
        }
        CHECK_OK(step({ token }, position).decode(inside));
        CHECK_OK(step({ token }, position).decode(outside));
        token = sampled(graph, inside, 0);
        if (token != sampled(host, outside, 0)) {
            CHECK(position > 8); // a sum that was rounded otherwise, not another uniform number
            break;
        }
    }
    llatte_sampler * raw = nullptr;
    CHECK_OK(llatte_sampler_clone(graph.get(), &raw, &error()));
    fixture::sampler_ptr copy(raw);
    CHECK_OK(llatte_sampler_reset(graph.get(), &error()));
    CHECK_OK(llatte_sampler_accept(graph.get(), 5, &error()));
    CHECK_OK(step({ token }, 30).decode(outside));
    sampled(copy, outside, 0);
    CHECK(attach(outside, 1, copy));
}

CASE(attaching_with_bad_arguments) {
    auto context  = fixture::context(model());
    auto one      = greedy();
    bool accepted = false;
    CHECK_STATUS(LLATTE_INVALID_ARGUMENT, llatte_context_set_sampler(nullptr, 0, one.get(), &accepted, &error()));
    CHECK_STATUS(LLATTE_INVALID_ARGUMENT, llatte_context_set_sampler(context.get(), 0, one.get(), nullptr, &error()));
    for (int32_t sequence : { -1, 4, INT32_MAX, INT32_MIN }) {
        CHECK_STATUS(LLATTE_INVALID_ARGUMENT, llatte_context_set_sampler(context.get(), sequence, one.get(), &accepted, &error()));
        CHECK_STATUS(LLATTE_INVALID_ARGUMENT, llatte_context_set_sampler(context.get(), sequence, nullptr, nullptr, &error()));
    }
    auto unfinished = chain([](auto * s) { CHECK_OK(llatte_sampler_add_top_k(s, 5, &error())); });
    CHECK_STATUS(LLATTE_INVALID_STATE, llatte_context_set_sampler(context.get(), 0, unfinished.get(), &accepted, &error()));
    CHECK_STATUS(LLATTE_INVALID_STATE, llatte_context_set_sampler(context.get(), 0, chain([](auto *) {}).get(), &accepted, &error()));
    auto params                  = fixture::context_params();
    params.n_outputs_max_per_seq = 4;
    CHECK(!attach(fixture::context(model(), params), 0, one));
    CHECK_OK(batch(4).decode(context));
    sampled(one, context, -1);
}

CASE(attaching_at_random) {
    std::mt19937                      random(5);
    auto                              context = fixture::context(model());
    std::vector<fixture::sampler_ptr> samplers(6);
    const auto                        below = [&](size_t n) { return random() % n; };
    const auto                        fresh = [&] { return below(2) == 0 ? greedy() : chain(usual); };
    for (auto & one : samplers) {
        one = fresh();
    }
    std::vector<int32_t> next(4, 0);
    for (int32_t i = 0; i < (fixture::sanitized ? 60 : 600); i++) {
        auto & one      = samplers[below(samplers.size())];
        bool   accepted = false;
        switch (below(8)) {
            case 0:
                CHECK(llatte_context_set_sampler(context.get(), static_cast<int32_t>(below(4)), one.get(), &accepted, &error()) != LLATTE_INTERNAL);
                break;
            case 1: take_out(context, static_cast<int32_t>(below(4))); break;
            case 2: one = fresh(); break;
            case 3: CHECK_OK(llatte_sampler_reset(one.get(), &error())); break;
            case 4:
                if (below(8) == 0) {
                    context = fixture::context(model());
                    next.assign(4, 0);
                }
                break;
            default: {
                batch rows(0);
                for (int32_t sequence = 0; sequence < 4; sequence++) {
                    if (below(3) != 0 && next[sequence] < 60) {
                        rows.tokens.push_back(static_cast<int32_t>(below(128)));
                        rows.positions.push_back(next[sequence]++);
                        rows.sequence_counts.push_back(1);
                        rows.sequences.push_back(sequence);
                        rows.outputs.push_back(below(4) != 0);
                    }
                }
                if (rows.size() == 0) {
                    break;
                }
                CHECK_OK(rows.decode(context));
                std::vector<llatte_sampler *> raw;
                std::vector<int32_t>          indices;
                for (int32_t row = 0; row < rows.size(); row++) {
                    raw.push_back(samplers[below(samplers.size())].get());
                    indices.push_back(row);
                }
                std::vector<int32_t> tokens(raw.size(), -7);
                std::vector<int32_t> statuses(raw.size(), -7);
                CHECK_OK(llatte_sampler_sample_rows(context.get(), rows.size(), raw.data(), indices.data(), tokens.data(), statuses.data(), nullptr,
                                                    nullptr, static_cast<int32_t>(below(3)), &error()));
                for (size_t row = 0; row < raw.size(); row++) {
                    CHECK(statuses[row] == LLATTE_OK ? tokens[row] >= 0 && tokens[row] < 128
                                                     : statuses[row] != LLATTE_INTERNAL && tokens[row] == -7);
                }
            }
        }
    }
}

int main(int argc, char ** argv) {
    return fixture::main(argc, argv);
}
