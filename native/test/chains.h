// Chains that are built twice, by the shim and of llama.cpp's own stages, and logits for them.
#pragma once

#include "fixture.h"

#include "../src/sampler.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <random>

namespace chains {

// Steps that append a stage to the one or to the other.
struct description {
    using step = std::function<void(llatte_sampler *, llama_sampler *, int32_t n_vocab, uint32_t seed)>;

    std::string       name;
    std::vector<step> steps;

    explicit description(std::string text) : name(std::move(text)) {}

    template <typename Ours, typename Theirs>
    description & add(Ours ours, Theirs theirs) {
        steps.push_back([=](llatte_sampler * one, llama_sampler * other, int32_t n_vocab, uint32_t seed) {
            if (one != nullptr) {
                CHECK_OK(ours(one, seed));
            }
            if (other != nullptr) {
                llama_sampler_chain_add(other, theirs(n_vocab, seed));
            }
        });
        return *this;
    }

    description & greedy() {
        return add([](auto * s, auto) { return llatte_sampler_add_greedy(s, &check::error()); },
                   [](auto, auto) { return llama_sampler_init_greedy(); });
    }
    description & dist() {
        return add([](auto * s, auto seed) { return llatte_sampler_add_dist(s, seed, &check::error()); },
                   [](auto, auto seed) { return llama_sampler_init_dist(seed); });
    }
    description & top_k(int32_t k) {
        return add([=](auto * s, auto) { return llatte_sampler_add_top_k(s, k, &check::error()); },
                   [=](auto, auto) { return llama_sampler_init_top_k(k); });
    }
    description & top_p(float p, int32_t min_keep) {
        return add([=](auto * s, auto) { return llatte_sampler_add_top_p(s, p, min_keep, &check::error()); },
                   [=](auto, auto) { return llama_sampler_init_top_p(p, min_keep); });
    }
    description & min_p(float p, int32_t min_keep) {
        return add([=](auto * s, auto) { return llatte_sampler_add_min_p(s, p, min_keep, &check::error()); },
                   [=](auto, auto) { return llama_sampler_init_min_p(p, min_keep); });
    }
    description & typical(float p) {
        return add([=](auto * s, auto) { return llatte_sampler_add_typical(s, p, 1, &check::error()); },
                   [=](auto, auto) { return llama_sampler_init_typical(p, 1); });
    }
    description & temperature(float t) { return dynamic_temperature(t, 0, 1); }
    description & dynamic_temperature(float t, float delta, float exponent) {
        return add([=](auto * s, auto) { return llatte_sampler_add_temperature(s, t, delta, exponent, &check::error()); },
                   [=](auto, auto) { return llama_sampler_init_temp_ext(t, delta, exponent); });
    }
    description & penalties(int32_t last_n, float repeat, float frequency, float presence) {
        return add([=](auto * s, auto) { return llatte_sampler_add_penalties(s, last_n, repeat, frequency, presence, &check::error()); },
                   [=](auto n_vocab, auto) { return llama_sampler_init_penalties(n_vocab, last_n, repeat, frequency, presence); });
    }
    description & xtc(float probability, float threshold) {
        return add([=](auto * s, auto seed) { return llatte_sampler_add_xtc(s, probability, threshold, 1, seed, &check::error()); },
                   [=](auto, auto seed) { return llama_sampler_init_xtc(probability, threshold, 1, seed); });
    }
    description & mirostat() {
        return add([](auto * s, auto seed) { return llatte_sampler_add_mirostat(s, seed, 5, 0.1f, 100, &check::error()); },
                   [](auto n_vocab, auto seed) { return llama_sampler_init_mirostat(n_vocab, seed, 5, 0.1f, 100); });
    }
    description & mirostat_v2() {
        return add([](auto * s, auto seed) { return llatte_sampler_add_mirostat_v2(s, seed, 5, 0.1f, &check::error()); },
                   [](auto, auto seed) { return llama_sampler_init_mirostat_v2(seed, 5, 0.1f); });
    }
    // Those of tokens beyond the vocabulary are left out.
    description & bias(const std::vector<std::pair<int32_t, float>> & biases) {
        const auto within = [=](int32_t n_vocab) {
            std::vector<llama_logit_bias> list;
            for (const auto & [token, bias] : biases) {
                if (token < n_vocab) {
                    list.push_back({ token, bias });
                }
            }
            return list;
        };
        return add([=](auto * s, auto) {
                       const auto list = within(s->model->n_vocab);
                       return llatte_sampler_add_logit_bias(s, list.data(), static_cast<int32_t>(list.size()), &check::error());
                   },
                   [=](auto n_vocab, auto) {
                       const auto list = within(n_vocab);
                       return llama_sampler_init_logit_bias(n_vocab, static_cast<int32_t>(list.size()), list.data());
                   });
    }
};

// A chain of the shim's and the same of llama.cpp's, which is given every token of the vocabulary.
struct pair {
    llatte_model                                                model;
    fixture::sampler_ptr                                        sampler;
    std::unique_ptr<llama_sampler, void (*)(llama_sampler *)>   chain;
    std::vector<llama_token_data>                               candidates;

    pair(const description & stages, int32_t n_vocab, uint32_t seed)
        : chain(llama_sampler_chain_init(llama_sampler_chain_default_params()), llama_sampler_free) {
        model.n_vocab         = n_vocab;
        llatte_sampler * made = nullptr;
        CHECK_OK(llatte_sampler_create(&model, &made, &check::error()));
        sampler.reset(made);
        for (const auto & step : stages.steps) {
            step(made, chain.get(), n_vocab, seed);
        }
    }

    int32_t choose(const std::vector<float> & logits) { return llatte::choose(sampler.get(), logits.data()); }

    int32_t reference(const std::vector<float> & logits) {
        candidates.resize(logits.size());
        for (size_t i = 0; i < logits.size(); i++) {
            candidates[i] = { static_cast<llama_token>(i), logits[i], 0.0f };
        }
        llama_token_data_array all{ candidates.data(), candidates.size(), -1, false };
        llama_sampler_apply(chain.get(), &all);
        CHECK(all.selected >= 0);
        return all.data[all.selected].id;
    }

    void accept(int32_t token) {
        llatte::accept(sampler.get(), token);
        llama_sampler_accept(chain.get(), token);
    }
};

using distribution = std::function<std::vector<float>(int32_t n_vocab, std::mt19937 & random)>;

// Twelve uniform numbers make a normal one, and the tests need a great many of these: four, and a generator of two steps, are near enough.
inline std::vector<float> normal(int32_t n_vocab, std::mt19937 & random, float deviation) {
    std::vector<float> logits(n_vocab);
    uint64_t           state = random() | 1;
    for (float & one : logits) {
        state            = state * 6364136223846793005u + 1442695040888963407u;
        const uint64_t x = state ^ (state >> 29);
        // The last term keeps equal ones rare.
        const double sum = static_cast<double>((x & 0xffff) + (x >> 16 & 0xffff) + (x >> 32 & 0xffff) + (x >> 48)) + (state >> 20 & 0xfff) / 4096.0;
        one              = static_cast<float>((sum / 65536 - 2) * 1.7320508 * deviation);
    }
    return logits;
}

// As models give them: a wide bell, and some tokens that fit the text far above it.
inline const distribution peaked = [](int32_t n_vocab, std::mt19937 & random) {
    std::vector<float>                     logits = normal(n_vocab, random, 2.5f);
    std::uniform_int_distribution<int32_t> any(0, n_vocab - 1);
    std::exponential_distribution<float>   gap(2.0f);
    float                                  logit = 22;
    for (int32_t i = 0; i < 40; i++, logit -= gap(random)) {
        logits[any(random)] = logit;
    }
    return logits;
};
// Thousands of tokens would do.
inline const distribution flat      = [](int32_t n_vocab, std::mt19937 & random) { return normal(n_vocab, random, 3); };
inline const distribution stepped   = [](int32_t n_vocab, std::mt19937 & random) {
    std::vector<float> logits = normal(n_vocab, random, 3);
    std::transform(logits.begin(), logits.end(), logits.begin(), [](float one) { return std::round(one * 2) / 2; });
    return logits;
};
inline const distribution constant  = [](int32_t n_vocab, std::mt19937 &) { return std::vector<float>(n_vocab, 1.5f); };
inline const distribution ascending = [](int32_t n_vocab, std::mt19937 & random) {
    std::vector<float> logits = normal(n_vocab, random, 3);
    std::sort(logits.begin(), logits.end());
    return logits;
};
inline const distribution mostly_impossible = [](int32_t n_vocab, std::mt19937 & random) {
    std::vector<float> logits = peaked(n_vocab, random);
    for (float & one : logits) {
        one = random() % 10 != 0 ? -INFINITY : one;
    }
    logits[random() % n_vocab] = 5;
    return logits;
};
inline const distribution few_possible = [](int32_t n_vocab, std::mt19937 & random) {
    std::vector<float> logits(n_vocab, -INFINITY);
    for (int32_t i = 0; i < 5; i++) {
        logits[random() % n_vocab] = i * 0.7f;
    }
    return logits;
};
inline const distribution impossible = [](int32_t n_vocab, std::mt19937 &) { return std::vector<float>(n_vocab, -INFINITY); };
inline const distribution certain    = [](int32_t n_vocab, std::mt19937 & random) {
    std::vector<float> logits  = peaked(n_vocab, random);
    logits[random() % n_vocab] = INFINITY;
    return logits;
};
inline const distribution huge = [](int32_t n_vocab, std::mt19937 & random) { return normal(n_vocab, random, 1e37f); };

} // namespace chains
