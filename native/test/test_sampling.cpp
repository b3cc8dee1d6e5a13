// The tokens that chains choose from part of a vocabulary, against what llama.cpp's stages choose from all of it. Built with the shim's own objects.
#include "../src/sampler.h"
#include "chains.h"
#include "fixture.h"

#include <algorithm>
#include <cmath>

using check::error;
using namespace chains;

namespace {

constexpr int32_t rounds = fixture::sanitized ? 60 : 480;

// How far the logits of two choices may be from one another, where they are not the same token.
enum class agreement { same_token, equal_logit, close_logit };

// Chooses again and again from new logits, telling both chains of the reference's choice.
void compare(const description & chain, const distribution & logits, agreement least = agreement::same_token, int32_t n_vocab = 20000,
             int32_t n = rounds) {
    for (uint32_t seed = 1; seed <= 3; seed++) {
        pair          both(chain, n_vocab, seed);
        std::mt19937  random(seed);
        int32_t       others = 0;
        for (int32_t i = 0; i < n / 3; i++) {
            const std::vector<float> row      = logits(n_vocab, random);
            const int32_t            chosen   = both.choose(row);
            const int32_t            expected = both.reference(row);
            if (chosen != expected) {
                others++;
                const float distance = std::fabs(row[chosen] - row[expected]);
                if (least == agreement::same_token || distance > (least == agreement::equal_logit ? 0 : 0.02f)) {
                    check::failed(__FILE__, __LINE__, chain.name + ", seed " + std::to_string(seed) + ", round " + std::to_string(i) + ": token " +
                                  std::to_string(chosen) + " at " + std::to_string(row[chosen]) + ", and llama.cpp chooses " +
                                  std::to_string(expected) + " at " + std::to_string(row[expected]));
                }
            }
            both.accept(expected);
        }
        if (others > 0) {
            printf("    %s: %d of %d are other tokens\n", chain.name.c_str(), others, n / 3);
        }
    }
}

const std::vector<std::pair<int32_t, float>> some_biases = { { 5, 3.0f }, { 19999, 20.0f }, { 77, -INFINITY }, { 6000, -5.0f },
                                                             { 128, 0.5f }, { 127, 0.25f },  { 5, -1.0f } };

std::vector<description> cut_chains() {
    return {
        description("greedy").greedy(),
        description("penalties, greedy").penalties(64, 1.3f, 0.1f, 0.2f).greedy(),
        description("bias, penalties, greedy").bias(some_biases).penalties(8, 1.1f, 0, 0).greedy(),
        description("default").top_k(40).top_p(0.95f, 1).min_p(0.05f, 1).temperature(0.8f).dist(),
        description("penalties, default").penalties(64, 1.1f, 0.1f, 0.1f).top_k(40).top_p(0.95f, 1).min_p(0.05f, 1).temperature(0.8f).dist(),
        description("bias, default").bias(some_biases).top_k(40).top_p(0.95f, 1).min_p(0.05f, 1).temperature(0.8f).dist(),
        description("penalties, bias, top-k 100").penalties(64, 1.1f, 0.5f, 0).bias(some_biases).top_k(100).dist(),
        description("top-k 1").top_k(1).dist(),
        description("top-k, typical, xtc").top_k(60).typical(0.9f).xtc(0.5f, 0.1f).dist(),
        description("top-k, mirostat 2").top_k(40).mirostat_v2(),
        description("min-p").min_p(0.05f, 1).temperature(0.8f).dist(),
        description("min-p, 20 at least").min_p(0.5f, 20).temperature(0.8f).dist(),
        description("penalties, min-p").penalties(64, 1.2f, 0.1f, 0).min_p(0.02f, 1).dist(),
        description("bias, min-p").bias(some_biases).min_p(0.1f, 1).top_k(10).dist(),
        description("temperature, top-k").temperature(0.7f).top_k(40).dist(),
        description("temperature, min-p").temperature(1.5f).min_p(0.05f, 1).dist(),
        description("penalties, temperature, bias, top-k").penalties(32, 1.2f, 0, 0).temperature(0.7f).bias(some_biases).top_k(30).dist(),
        description("disabled stages, top-k").penalties(64, 1, 0, 0).bias({}).top_k(0).top_p(1, 1).min_p(0, 1).temperature(1).top_k(40).dist(),
        description("penalties after top-k").top_k(40).penalties(64, 1.5f, 0.5f, 0.5f).bias(some_biases).dist(),
        description("dynamic temperature after top-k").top_k(40).dynamic_temperature(1, 0.5f, 1).dist(),
    };
}

std::vector<description> mass_chains() {
    return {
        description("top-p").top_p(0.95f, 1).temperature(0.8f).dist(),
        description("top-p 0.5").top_p(0.5f, 1).dist(),
        description("top-p 0").top_p(0, 1).dist(),
        description("top-p, 50 at least").top_p(0.3f, 50).dist(),
        description("penalties, top-p").penalties(64, 1.2f, 0.1f, 0.1f).top_p(0.9f, 1).dist(),
        description("bias, top-p").bias(some_biases).top_p(0.9f, 1).dist(),
        description("temperature, top-p").temperature(0.7f).top_p(0.9f, 1).dist(),
        description("temperature, penalties, top-p, min-p").temperature(1.3f).penalties(64, 1.1f, 0, 0).top_p(0.9f, 1).min_p(0.05f, 1).dist(),
    };
}

std::vector<description> whole_chains() {
    return {
        description("temperature, dist").temperature(0.8f).dist(),
        description("temperature 0, top-k").temperature(0).top_k(5).greedy(),
        description("two temperatures").temperature(0.8f).temperature(0.9f).top_k(40).dist(),
        description("top-k of all").top_k(1 << 30).dist(),
        description("min-p, all at least").min_p(0.5f, 1 << 30).top_k(40).dist(),
        description("typical").typical(0.9f).dist(),
        description("xtc").xtc(0.5f, 0.1f).dist(),
        description("mirostat").mirostat(),
    };
}

} // namespace

CASE(peaked_logits) {
    for (const auto & chain : cut_chains()) {
        compare(chain, peaked);
    }
    for (const auto & chain : mass_chains()) {
        compare(chain, peaked, agreement::close_logit); // llama.cpp adds up 20,000 floats one by one
    }
}

CASE(flat_logits) {
    for (const auto & chain : cut_chains()) {
        compare(chain, flat);
    }
    for (const auto & chain : mass_chains()) {
        compare(chain, flat, agreement::close_logit, 20000, rounds / 4);
    }
}

CASE(what_cannot_be_cut) {
    for (const auto & chain : whole_chains()) {
        compare(chain, peaked, agreement::same_token, 3000, rounds / 4);
    }
}

CASE(a_large_vocabulary) {
    for (const auto & chain : cut_chains()) {
        compare(chain, peaked, agreement::same_token, 128256, rounds / 10);
    }
    for (const auto & chain : mass_chains()) {
        compare(chain, peaked, agreement::close_logit, 128256, rounds / 20);
    }
}

CASE(vocabularies_of_every_tail) {
    for (int32_t n_vocab : { 1, 2, 127, 128, 129, 255, 256, 300, 5120, 5121, 5247 }) {
        for (const auto & chain : { description("greedy").greedy(), description("top-k").top_k(2).dist(), description("min-p").min_p(0.1f, 1).dist(),
                                    description("penalties, top-k").penalties(4, 2, 1, 1).top_k(3).dist() }) {
            compare(chain, peaked, agreement::same_token, n_vocab, rounds / 10);
        }
        compare(description("top-p").top_p(0.9f, 1).dist(), peaked, agreement::close_logit, n_vocab, rounds / 10);
    }
}

// llama.cpp chooses among equals by the order of ids, or where it sorts, as its sort leaves them: then the logit must be the same.
CASE(equal_logits) {
    for (const auto & chain : { description("greedy").greedy(), description("min-p").min_p(0.05f, 1).dist(),
                                description("min-p 1").min_p(1, 1).dist() }) {
        for (const auto & logits : { stepped, constant }) {
            compare(chain, logits);
        }
    }
    for (const auto & chain : { description("top-k").top_k(40).dist(), description("top-k, top-p").top_k(100).top_p(0.9f, 1).temperature(0.5f).dist(),
                                description("min-p, 30 at least").min_p(0.9f, 30).dist() }) {
        for (const auto & logits : { stepped, constant }) {
            compare(chain, logits, agreement::equal_logit);
        }
    }
    compare(description("top-p").top_p(0.9f, 1).dist(), stepped, agreement::close_logit);
}

CASE(sorted_logits) {
    for (const auto & chain : cut_chains()) {
        compare(chain, ascending, agreement::same_token, 20000, rounds / 10);
    }
}

CASE(infinite_logits) {
    for (const auto & logits : { mostly_impossible, few_possible }) {
        for (const auto & chain : cut_chains()) {
            compare(chain, logits, agreement::equal_logit, 20000, rounds / 4);
        }
        for (const auto & chain : mass_chains()) {
            compare(chain, logits, agreement::close_logit, 20000, rounds / 10);
        }
    }
    compare(description("greedy").greedy(), impossible);
    compare(description("greedy").greedy(), certain);
    compare(description("top-k, greedy").top_k(40).greedy(), certain);
}

CASE(huge_logits) {
    for (const auto & chain : { description("greedy").greedy(), description("top-k").top_k(40).dist(), description("min-p").min_p(0.1f, 1).dist(),
                                description("top-p").top_p(0.9f, 1).dist(), description("cold, top-k").temperature(1e-38f).top_k(40).dist() }) {
        compare(chain, huge, agreement::equal_logit, 20000, rounds / 4);
    }
}

CASE(logits_that_are_no_numbers) {
    for (const auto & chain : { description("greedy").greedy(), description("top-p").bias(some_biases).top_p(0.9f, 1).dist(),
                                description("dist").dist() }) {
        for (int32_t at : { 0, 5, 127, 128, 10000, 19999 }) {
            pair               both(chain, 20000, 1);
            std::vector<float> row(20000, 0);
            row[at] = NAN;
            try {
                both.choose(row);
                CHECK(false);
            } catch (const llatte::failure & refused) {
                CHECK(refused.status == LLATTE_DECODE_FAILED);
            }
        }
    }
}

// Stages in any order, with parameters at their edges too.
CASE(random_chains) {
    std::mt19937 random(11);
    const auto   one_of = [&](const std::vector<float> & values) { return values[random() % values.size()]; };
    for (int32_t i = 0; i < rounds; i++) {
        description chain("random chain " + std::to_string(i));
        for (size_t n_stages = random() % 6; n_stages > 0; n_stages--) {
            const auto min_keep = static_cast<int32_t>(one_of({ 0, 1, 1, 1, 5, 1e9f }));
            switch (random() % 9) {
                case 0:
                    chain.penalties(static_cast<int32_t>(one_of({ 0, 1, 4, 64 })), one_of({ 1, 1.2f, 0.8f, 1e30f }), one_of({ 0, 0.5f, -0.5f }), 0);
                    break;
                case 1: chain.bias(random() % 2 == 0 ? some_biases : std::vector<std::pair<int32_t, float>>{}); break;
                case 2: chain.bias({ { static_cast<int32_t>(random() % 20000), one_of({ 30, -30, INFINITY, -INFINITY }) } }); break;
                case 3: chain.top_k(static_cast<int32_t>(one_of({ 0, 1, 2, 40, 100, 156, 157, 1000, 1e9f }))); break;
                case 4: chain.top_p(one_of({ 0, 0.1f, 0.9f, 0.99f, 1 }), min_keep); break;
                case 5: chain.min_p(one_of({ 0, 1e-30f, 0.05f, 0.9f, 1 }), min_keep); break;
                case 6: chain.temperature(one_of({ 0, 1e-3f, 0.7f, 1, 1.5f, 1e30f })); break;
                case 7: chain.typical(one_of({ 0.5f, 0.95f, 1 })); break;
                default: chain.top_k(20); break;
            }
        }
        if (random() % 4 == 0) {
            chain.greedy();
        } else {
            chain.dist();
        }
        compare(chain, peaked, agreement::close_logit, 20000, 15);
    }
}

// What top-p keeps, counted in double precision.
CASE(the_cut_of_a_probability) {
    std::mt19937 random(7);
    for (const auto & logits : { peaked, flat, constant, ascending }) {
        for (float p : { 0.1f, 0.5f, 0.9f, 0.99f }) {
            const int32_t            n_vocab = 50000;
            const std::vector<float> row     = logits(n_vocab, random);
            std::vector<float>       sorted  = row;
            std::sort(sorted.begin(), sorted.end(), std::greater<float>());
            double total = 0;
            for (float one : sorted) {
                total += exp(static_cast<double>(one) - sorted[0]);
            }
            int64_t expected = 0;
            for (double held = 0; held < p * total * (1 - 1e-12) && expected < n_vocab; expected++) {
                held += exp(static_cast<double>(sorted[expected]) - sorted[0]);
            }
            llatte::shortlist             list;
            std::vector<llama_token_data> none;
            CHECK(list.scan(row.data(), n_vocab, none, 1));
            CHECK(list.keep_mass(p, 1));
            const auto kept = list.candidates(true);
            // As llama.cpp does, it adds up floats.
            CHECK(std::abs(static_cast<int64_t>(kept.size) - expected) <= 1 + expected / 100);
            for (size_t i = 0; i < kept.size; i++) {
                CHECK(kept.data[i].logit == sorted[i]);
            }
        }
    }
}

CASE(tokens_looked_back_on) {
    std::mt19937          random(3);
    llatte::recent_tokens recent;
    std::vector<int32_t>  all;
    recent.add(1); // none are remembered yet
    CHECK(recent.distinct().empty());
    for (int32_t last_n : { 5, 3, 17 }) { // it never gets shorter
        recent.remember(last_n);
        const size_t length = last_n < 5 ? 5 : last_n;
        for (int32_t i = 0; i < 200; i++) {
            all.push_back(static_cast<int32_t>(random() % 12));
            recent.add(all.back());
            if (all.size() > length && i >= static_cast<int32_t>(length)) {
                std::vector<int32_t> expected(all.end() - length, all.end());
                std::sort(expected.begin(), expected.end());
                expected.erase(std::unique(expected.begin(), expected.end()), expected.end());
                CHECK(recent.distinct() == expected);
            }
        }
    }
    recent.clear();
    CHECK(recent.distinct().empty());
}

// A grammar's refusal leaves the penalties before it and after it with different pasts.
CASE(choosing_after_a_refused_token) {
    pair both(description("penalties, top-k").penalties(4, 1.5f, 1, 1).top_k(40).dist(), 20000, 1);
    both.sampler->in_step = false;
    std::mt19937 random(1);
    for (int32_t i = 0; i < 20; i++) {
        const std::vector<float> row      = peaked(20000, random);
        const int32_t            expected = both.reference(row);
        CHECK(both.choose(row) == expected);
        both.accept(expected);
    }
    CHECK_OK(llatte_sampler_reset(both.sampler.get(), &error()));
    CHECK(both.sampler->in_step);
}

int main(int argc, char ** argv) {
    return fixture::main(argc, argv);
}
