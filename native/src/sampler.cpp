#include "sampler.h"

#include "common.h"
#include "json-schema-to-grammar.h"
#include "json.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <memory>

namespace llatte {

namespace {

constexpr int32_t max_last_n       = 1 << 20;
constexpr size_t  max_schema_bytes = 1 << 20;

constexpr bool selecting = true;

// `make` returns llama.cpp's stage, and may complete what is noted of it.
template <typename Make>
int32_t add_stage(llatte_sampler * sampler, llatte_error * error, stage noted, bool selects, Make && make) {
    return guarded(error, [&] {
        require_sampler(sampler);
        if (sampler->selects) {
            fail(LLATTE_INVALID_STATE, "the chain ends in a stage that selects: nothing can follow it");
        }
        llama_sampler * added = make(noted);
        if (added == nullptr) {
            fail(LLATTE_INTERNAL, "llama.cpp made no sampler" + because());
        }
        sampler->stages.push_back(std::move(noted));
        llama_sampler_chain_add(sampler->chain, added);
        sampler->selects = selects;
    });
}

// llama.cpp makes an empty stage where the parameters ask for nothing.
stage_kind unless_idle(bool idle, stage_kind kind) {
    return idle ? stage_kind::idle : kind;
}

// Biases by token, those of the same token as they were given, and their tokens.
void note_biases(llatte_sampler * sampler, stage & noted, const llama_logit_bias * biases, int32_t count) {
    const auto by_token = [](const llama_logit_bias & a, const llama_logit_bias & b) { return a.token < b.token; };
    noted.biases.assign(biases, biases + count);
    std::stable_sort(noted.biases.begin(), noted.biases.end(), by_token);
    for (const llama_logit_bias & bias : noted.biases) {
        sampler->biased.push_back(bias.token);
    }
    std::sort(sampler->biased.begin(), sampler->biased.end());
    sampler->biased.erase(std::unique(sampler->biased.begin(), sampler->biased.end()), sampler->biased.end());
}

void require_probability(const char * name, float value) {
    require_finite(name, value);
    if (value < 0 || value > 1) {
        fail(LLATTE_INVALID_ARGUMENT, format("%s is %f, and must be from 0 to 1", name, static_cast<double>(value)));
    }
}

void require_not_negative(const char * name, float value) {
    require_finite(name, value);
    if (value < 0) {
        fail(LLATTE_INVALID_ARGUMENT, format("%s is %f, and must not be negative", name, static_cast<double>(value)));
    }
}

} // namespace

void require_sampler(const llatte_sampler * sampler) {
    require_not_null(sampler, "sampler");
}

} // namespace llatte

using llatte::add_stage;
using llatte::selecting;
using llatte::stage;
using llatte::stage_kind;
using llatte::guarded;

int32_t llatte_sampler_create(const llatte_model * model, llatte_sampler ** out, llatte_error * error) {
    return guarded(error, [&] {
        llatte::require_not_null(out, "out");
        llatte::require_not_null(model, "model");
        auto sampler   = std::make_unique<llatte_sampler>();
        sampler->model = model;
        sampler->chain = llama_sampler_chain_init(llama_sampler_chain_default_params());
        *out           = sampler.release();
    });
}

void llatte_sampler_free(llatte_sampler * sampler) {
    if (sampler != nullptr) {
        llatte::guarded(nullptr, [&] {
            llatte::detach(sampler);
            delete sampler;
        });
    }
}

int32_t llatte_sampler_add_greedy(llatte_sampler * sampler, llatte_error * error) {
    return add_stage(sampler, error, { stage_kind::greedy }, selecting, [&](stage &) { return llama_sampler_init_greedy(); });
}

int32_t llatte_sampler_add_dist(llatte_sampler * sampler, uint32_t seed, llatte_error * error) {
    return add_stage(sampler, error, { stage_kind::dist }, selecting, [&](stage &) { return llama_sampler_init_dist(seed); });
}

int32_t llatte_sampler_add_top_k(llatte_sampler * sampler, int32_t k, llatte_error * error) {
    return add_stage(sampler, error, { stage_kind::top_k, k }, false, [&](stage & noted) {
        llatte::require_range("k", k, 0, INT32_MAX);
        noted.kind = llatte::unless_idle(k == 0, noted.kind);
        return llama_sampler_init_top_k(k);
    });
}

int32_t llatte_sampler_add_top_p(llatte_sampler * sampler, float p, int32_t min_keep, llatte_error * error) {
    return add_stage(sampler, error, { stage_kind::top_p, min_keep, p }, false, [&](stage & noted) {
        llatte::require_probability("top-p", p);
        llatte::require_range("min_keep", min_keep, 0, INT32_MAX);
        noted.kind = llatte::unless_idle(p >= 1, noted.kind);
        return llama_sampler_init_top_p(p, min_keep);
    });
}

int32_t llatte_sampler_add_min_p(llatte_sampler * sampler, float p, int32_t min_keep, llatte_error * error) {
    return add_stage(sampler, error, { stage_kind::min_p, min_keep, p }, false, [&](stage & noted) {
        llatte::require_probability("min-p", p);
        llatte::require_range("min_keep", min_keep, 0, INT32_MAX);
        noted.kind = llatte::unless_idle(p <= 0, noted.kind);
        return llama_sampler_init_min_p(p, min_keep);
    });
}

int32_t llatte_sampler_add_typical(llatte_sampler * sampler, float p, int32_t min_keep, llatte_error * error) {
    return add_stage(sampler, error, { stage_kind::other }, false, [&](stage &) {
        llatte::require_probability("typical-p", p);
        llatte::require_range("min_keep", min_keep, 0, INT32_MAX);
        return llama_sampler_init_typical(p, min_keep);
    });
}

int32_t llatte_sampler_add_temperature(llatte_sampler * sampler, float temperature, float delta, float exponent, llatte_error * error) {
    return add_stage(sampler, error, { stage_kind::temperature, 0, temperature }, false, [&](stage & noted) {
        llatte::require_not_negative("temperature", temperature);
        llatte::require_not_negative("delta", delta);
        llatte::require_not_negative("exponent", exponent);
        noted.kind = llatte::unless_idle(temperature == 1 && delta == 0, delta > 0 ? stage_kind::other : noted.kind);
        return llama_sampler_init_temp_ext(temperature, delta, exponent);
    });
}

int32_t llatte_sampler_add_penalties(llatte_sampler * sampler, int32_t last_n, float repeat, float frequency, float presence,
                                     llatte_error * error) {
    return add_stage(sampler, error, { stage_kind::penalties }, false, [&](stage & noted) {
        llatte::require_range("last_n", last_n, 0, llatte::max_last_n);
        llatte::require_finite("repeat", repeat);
        if (repeat <= 0) {
            llatte::fail(LLATTE_INVALID_ARGUMENT, llatte::format("repeat is %f, and must be above 0", static_cast<double>(repeat)));
        }
        llatte::require_finite("frequency", frequency);
        llatte::require_finite("presence", presence);
        noted.kind = llatte::unless_idle(last_n == 0 || (repeat == 1 && frequency == 0 && presence == 0), noted.kind);
        if (noted.kind == stage_kind::penalties) {
            sampler->recent.remember(last_n);
        }
        return llama_sampler_init_penalties(sampler->model->n_vocab, last_n, repeat, frequency, presence);
    });
}

int32_t llatte_sampler_add_dry(llatte_sampler * sampler, float multiplier, float base, int32_t allowed_length, int32_t last_n,
                               const char * const * breakers, int32_t n_breakers, llatte_error * error) {
    return add_stage(sampler, error, { stage_kind::other }, false, [&](stage &) {
        llatte::require_vocabulary(sampler->model);
        llatte::require_not_negative("multiplier", multiplier);
        llatte::require_not_negative("base", base);
        llatte::require_range("allowed_length", allowed_length, 0, llatte::max_last_n);
        llatte::require_range("last_n", last_n, 0, llatte::max_last_n);
        llatte::require_range("n_breakers", n_breakers, 0, 256);
        if (n_breakers > 0) {
            llatte::require_not_null(breakers, "breakers");
        }
        for (int32_t i = 0; i < n_breakers; i++) {
            llatte::require_not_null(breakers[i], "a breaker");
        }
        return llama_sampler_init_dry(sampler->model->vocab, multiplier, base, allowed_length, last_n, const_cast<const char **>(breakers),
                                      n_breakers);
    });
}

int32_t llatte_sampler_add_xtc(llatte_sampler * sampler, float probability, float threshold, int32_t min_keep, uint32_t seed,
                               llatte_error * error) {
    return add_stage(sampler, error, { stage_kind::other }, false, [&](stage &) {
        llatte::require_probability("probability", probability);
        llatte::require_probability("threshold", threshold);
        llatte::require_range("min_keep", min_keep, 0, INT32_MAX);
        return llama_sampler_init_xtc(probability, threshold, min_keep, seed);
    });
}

int32_t llatte_sampler_add_mirostat(llatte_sampler * sampler, uint32_t seed, float tau, float eta, int32_t m, llatte_error * error) {
    return add_stage(sampler, error, { stage_kind::other }, selecting, [&](stage &) {
        llatte::require_not_negative("tau", tau);
        llatte::require_not_negative("eta", eta);
        llatte::require_range("m", m, 2, sampler->model->n_vocab); // a slope needs two points
        return llama_sampler_init_mirostat(sampler->model->n_vocab, seed, tau, eta, m);
    });
}

int32_t llatte_sampler_add_mirostat_v2(llatte_sampler * sampler, uint32_t seed, float tau, float eta, llatte_error * error) {
    return add_stage(sampler, error, { stage_kind::other }, selecting, [&](stage &) {
        llatte::require_not_negative("tau", tau);
        llatte::require_not_negative("eta", eta);
        return llama_sampler_init_mirostat_v2(seed, tau, eta);
    });
}

int32_t llatte_sampler_add_logit_bias(llatte_sampler * sampler, const llama_logit_bias * biases, int32_t count, llatte_error * error) {
    return add_stage(sampler, error, { stage_kind::logit_bias }, false, [&](stage & noted) {
        llatte::require_range("count", count, 0, sampler->model->n_vocab);
        if (count > 0) {
            llatte::require_not_null(biases, "biases");
        }
        for (int32_t i = 0; i < count; i++) {
            llatte::require_token(sampler->model, biases[i].token);
            if (std::isnan(biases[i].bias)) {
                llatte::fail(LLATTE_INVALID_ARGUMENT, llatte::format("the bias of token %d is not a number", biases[i].token));
            }
        }
        llatte::note_biases(sampler, noted, biases, count);
        return llama_sampler_init_logit_bias(sampler->model->n_vocab, count, biases);
    });
}

int32_t llatte_sampler_add_grammar(llatte_sampler * sampler, const char * grammar, const char * root, llatte_error * error) {
    return guarded(error, [&] {
        llatte::require_sampler(sampler);
        llatte::require_not_null(grammar, "grammar");
        llatte::require_not_null(root, "root");
        sampler->bounds.add_grammar(sampler->model, grammar, root);
    });
}

int32_t llatte_sampler_add_format(llatte_sampler * sampler, const char * format, int32_t reasoning_tokens, const char * reasoning_message,
                                  llatte_error * error) {
    return guarded(error, [&] {
        llatte::require_sampler(sampler);
        llatte::require_not_null(format, "format");
        llatte::require_range("reasoning_tokens", reasoning_tokens, -1, INT32_MAX);
        llatte::require_flat_json(LLATTE_GRAMMAR_FAILED, "the format", format);
        try {
            sampler->bounds.add_format(sampler->model, format, reasoning_tokens, reasoning_message == nullptr ? "" : reasoning_message);
        } catch (const std::bad_alloc &) {
            throw;
        } catch (const std::exception & thrown) {
            llatte::fail(LLATTE_GRAMMAR_FAILED, std::string("the format cannot be used: ") + thrown.what());
        }
    });
}

int32_t llatte_sampler_accept(llatte_sampler * sampler, int32_t token, llatte_error * error) {
    return guarded(error, [&] {
        llatte::require_sampler(sampler);
        llatte::require_token(sampler->model, token);
        llatte::accept(sampler, token);
    });
}

int32_t llatte_sampler_accept_prompt(llatte_sampler * sampler, const int32_t * tokens, int32_t count, llatte_error * error) {
    return guarded(error, [&] {
        llatte::require_sampler(sampler);
        llatte::require_range("count", count, 0, INT32_MAX);
        if (count > 0) {
            llatte::require_not_null(tokens, "tokens");
        }
        for (int32_t i = 0; i < count; i++) {
            llatte::require_token(sampler->model, tokens[i]);
        }
        const bool in_step = sampler->in_step;
        sampler->in_step   = false; // unless all stages get to the end
        for (int32_t stage = 0; stage < llama_sampler_chain_n(sampler->chain); stage++) {
            llama_sampler * one = llama_sampler_chain_get(sampler->chain, stage);
            for (int32_t i = 0; i < count; i++) {
                llama_sampler_accept(one, tokens[i]);
            }
        }
        for (int32_t i = 0; i < count; i++) {
            sampler->recent.add(tokens[i]);
        }
        sampler->in_step = in_step;
    });
}

int32_t llatte_sampler_reset(llatte_sampler * sampler, llatte_error * error) {
    return guarded(error, [&] {
        llatte::require_sampler(sampler);
        llama_sampler_reset(sampler->chain);
        sampler->bounds.reset();
        sampler->recent.clear();
        sampler->in_step = true;
    });
}

int32_t llatte_sampler_clone(const llatte_sampler * sampler, llatte_sampler ** out, llatte_error * error) {
    return guarded(error, [&] {
        llatte::require_sampler(sampler);
        llatte::require_not_null(out, "out");
        auto copy      = std::make_unique<llatte_sampler>();
        copy->model    = sampler->model;
        copy->selects  = sampler->selects;
        copy->stages   = sampler->stages;
        copy->recent   = sampler->recent;
        copy->in_step  = sampler->in_step;
        copy->biased   = sampler->biased;
        copy->bounds   = sampler->bounds.copy();
        copy->chain    = llama_sampler_clone(sampler->chain);
        *out           = copy.release();
    });
}

int32_t llatte_sampler_describe(const llatte_sampler * sampler, llatte_text * out, llatte_error * error) {
    return guarded(error, [&] {
        llatte::require_sampler(sampler);
        std::string names = sampler->bounds.describe();
        for (int32_t i = 0; i < llama_sampler_chain_n(sampler->chain); i++) {
            const char * name = llama_sampler_name(llama_sampler_chain_get(sampler->chain, i));
            name += *name == '+' || *name == '-'; // llama.cpp marks what was prepared for a graph
            names += std::string(name) + " ";
        }
        names.resize(names.size() - !names.empty());
        llatte::assign(out, names);
    });
}

int32_t llatte_grammar_from_schema(const char * schema_json, llatte_text * out, llatte_error * error) {
    return guarded(error, [&] {
        llatte::require_not_null(schema_json, "schema_json");
        if (strlen(schema_json) > llatte::max_schema_bytes) {
            llatte::fail(LLATTE_GRAMMAR_FAILED, "the schema is larger than 1 MiB");
        }
        llatte::require_flat_json(LLATTE_GRAMMAR_FAILED, "the schema", schema_json);
        llatte::require_flat_parentheses(LLATTE_GRAMMAR_FAILED, "a pattern of the schema", schema_json);
        std::string grammar;
        try {
            grammar = json_schema_to_grammar(common_json::parse(schema_json));
        } catch (const std::exception & thrown) {
            llatte::fail(LLATTE_GRAMMAR_FAILED, std::string("the schema cannot be converted: ") + thrown.what());
        }
        llatte::assign(out, grammar);
    });
}
