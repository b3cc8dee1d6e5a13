// Log-probabilities against sums in double precision and a full sort. Built with the shim's own objects.
#include "../src/guard.h"
#include "../src/logprobs.h"
#include "chains.h"
#include "fixture.h"

#include <algorithm>
#include <cmath>
#include <numeric>

using check::error;
using namespace chains;

namespace {

struct reference {
    std::vector<double>  logprobs;
    std::vector<int32_t> order; // the most probable first, of equal ones the lower id

    explicit reference(const std::vector<float> & logits) : logprobs(logits.begin(), logits.end()), order(logits.size()) {
        const double best = *std::max_element(logprobs.begin(), logprobs.end());
        double       mass = 0;
        for (double logit : logprobs) {
            mass += std::exp(logit - best);
        }
        for (double & logit : logprobs) {
            logit -= best + std::log(mass);
        }
        std::iota(order.begin(), order.end(), 0);
        std::stable_sort(order.begin(), order.end(), [&](int32_t a, int32_t b) { return logits[a] > logits[b]; });
    }
};

llatte_logprobs find(const std::vector<float> & logits, int32_t token, int32_t wanted) {
    llatte_logprobs found{};
    found.wanted = wanted;
    llatte::find_logprobs(logits.data(), static_cast<int32_t>(logits.size()), token, &found);
    return found;
}

bool close(double expected, float found) {
    return std::fabs(expected - static_cast<double>(found)) <= 1e-5 * (1 + std::fabs(expected));
}

void compare(const std::vector<float> & logits, int32_t token) {
    const reference expected(logits);
    for (int32_t wanted : { 0, 1, 5, LLATTE_MAX_ALTERNATIVES }) {
        const llatte_logprobs found = find(logits, token, wanted);
        CHECK(close(expected.logprobs[token], found.chosen));
        CHECK(found.count == std::min(wanted, static_cast<int32_t>(logits.size())));
        for (int32_t i = 0; i < found.count; i++) {
            CHECK(found.ids[i] == expected.order[i]);
            CHECK(close(expected.logprobs[found.ids[i]], found.logprobs[i]));
        }
    }
}

bool has_none(const std::vector<float> & logits) {
    try {
        find(logits, 0, 3);
        return false;
    } catch (const llatte::failure & failed) {
        return failed.status == LLATTE_DECODE_FAILED;
    }
}

const fixture::model_ptr & tiny() {
    static const auto model = fixture::load(fixture::model_path("llama-dense"));
    return model;
}

fixture::sampler_ptr chain() {
    llatte_sampler * sampler = nullptr;
    CHECK_OK(llatte_sampler_create(tiny().get(), &sampler, &error()));
    return fixture::sampler_ptr(sampler);
}

// A context whose last decode has output in all of its four rows.
fixture::context_ptr four_rows() {
    auto           context = fixture::context(tiny());
    fixture::batch rows(4);
    rows.outputs.assign(4, 1);
    CHECK_OK(rows.decode(context));
    return context;
}

} // namespace

CASE(every_size_of_vocabulary) {
    std::mt19937 random(1);
    for (int32_t n_vocab : { 1, 2, 19, 20, 21, 127, 128, 129, 255, 256, 257, 4095, 4096, 4097, 4224, 32000, 128256, 262144 }) {
        for (const auto & logits : { peaked, flat }) {
            const std::vector<float> row = logits(n_vocab, random);
            compare(row, 0);
            compare(row, n_vocab - 1);
            compare(row, static_cast<int32_t>(random() % n_vocab));
        }
    }
}

CASE(orders_that_are_hard) {
    std::vector<float> rising(20000);
    std::iota(rising.begin(), rising.end(), -10000.0f); // each one is the best so far
    compare(rising, 19999);
    std::vector<float> falling(rising.rbegin(), rising.rend());
    compare(falling, 0);
    compare(std::vector<float>(20000, 7.5f), 4321); // all equal
    std::vector<float> mixed(20000, -INFINITY);
    mixed[130] = mixed[19999] = 3;
    const llatte_logprobs found = find(mixed, 5, 20);
    CHECK(found.count == 2 && found.ids[0] == 130 && found.ids[1] == 19999);
    CHECK(close(-std::log(2.0), found.logprobs[0]) && found.chosen == -INFINITY);
}

CASE(logits_without_probabilities) {
    for (int32_t place : { 0, 5000, 19999 }) {
        std::vector<float> logits(20000, 1.0f);
        logits[place] = NAN;
        CHECK(has_none(logits));
        logits[place] = INFINITY;
        CHECK(has_none(logits));
    }
    CHECK(has_none(std::vector<float>(20000, -INFINITY)));
    CHECK(has_none(std::vector<float>(100, -INFINITY)));
}

CASE(rows_of_a_context) {
    const auto    context = four_rows();
    const float * logits  = nullptr;
    for (int32_t row : { 0, 3, -1 }) {
        CHECK_OK(llatte_context_logits(context.get(), row, &logits, &error()));
        const reference expected(std::vector<float>(logits, logits + tiny()->n_vocab));
        llatte_logprobs found{};
        found.wanted = 4;
        CHECK_OK(llatte_context_logprobs(context.get(), row, 17, &found, &error()));
        CHECK(close(expected.logprobs[17], found.chosen) && found.count == 4 && found.ids[0] == expected.order[0]);
    }
    llatte_logprobs found{};
    for (int32_t wanted : { -1, LLATTE_MAX_ALTERNATIVES + 1, INT32_MAX, INT32_MIN }) {
        found.wanted = wanted;
        CHECK_STATUS(LLATTE_INVALID_ARGUMENT, llatte_context_logprobs(context.get(), 0, 17, &found, &error()));
    }
    found.wanted = 1;
    for (int32_t token : { -1, tiny()->n_vocab, INT32_MAX, INT32_MIN }) {
        CHECK_STATUS(LLATTE_INVALID_ARGUMENT, llatte_context_logprobs(context.get(), 0, token, &found, &error()));
    }
    CHECK_STATUS(LLATTE_INVALID_ARGUMENT, llatte_context_logprobs(context.get(), 4, 17, &found, &error()));
    CHECK_STATUS(LLATTE_INVALID_ARGUMENT, llatte_context_logprobs(context.get(), 0, 17, nullptr, &error()));
    CHECK_STATUS(LLATTE_INVALID_ARGUMENT, llatte_context_logprobs(nullptr, 0, 17, &found, &error()));
}

CASE(rows_of_a_round) {
    const auto                        context = four_rows();
    std::vector<llatte_sampler *>     raw;
    std::vector<fixture::sampler_ptr> samplers;
    for (int32_t i = 0; i < 4; i++) {
        samplers.push_back(chain());
        raw.push_back(samplers.back().get());
        CHECK_OK(llatte_sampler_add_penalties(raw[i], 8, 1.5f, 1, 1, &error())); // none of that is in the numbers
        CHECK_OK(llatte_sampler_add_temperature(raw[i], 2, 0, 1, &error()));
        CHECK_OK(llatte_sampler_add_dist(raw[i], 7 + i, &error()));
    }
    const std::vector<int32_t> rows = { 0, 1, 2, 3 };
    for (int32_t n_threads : { 1, 2 }) {
        std::vector<int32_t>         tokens(4, -7);
        std::vector<int32_t>         statuses(4, -7);
        std::vector<llatte_logprobs> found(4);
        const int32_t                wanted[] = { -1, 0, 20, 21 };
        for (int32_t i = 0; i < 4; i++) {
            found[i].wanted = wanted[i];
            found[i].count  = -7;
        }
        CHECK_OK(llatte_sampler_sample_rows(context.get(), 4, raw.data(), rows.data(), tokens.data(), statuses.data(), nullptr, found.data(),
                                            n_threads, &error()));
        CHECK(statuses == (std::vector<int32_t>{ LLATTE_OK, LLATTE_OK, LLATTE_OK, LLATTE_INVALID_ARGUMENT }));
        CHECK(found[0].count == -7 && found[3].count == -7);
        for (int32_t i : { 1, 2 }) {
            llatte_logprobs alone{};
            alone.wanted = wanted[i];
            CHECK_OK(llatte_context_logprobs(context.get(), i, tokens[i], &alone, &error()));
            CHECK(alone.count == wanted[i] && found[i].count == alone.count && found[i].chosen == alone.chosen);
            CHECK(std::equal(alone.ids, alone.ids + alone.count, found[i].ids));
            CHECK(std::equal(alone.logprobs, alone.logprobs + alone.count, found[i].logprobs));
        }
    }
}

int main(int argc, char ** argv) {
    return fixture::main(argc, argv);
}
