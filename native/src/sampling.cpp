#include "logprobs.h"
#include "sampler.h"

#include <algorithm>
#include <cmath>

namespace llatte {

namespace {

// What a grammar throws when it is told of a token that it does not allow.
[[noreturn]] void grammar_refusal(const std::exception & thrown) {
    fail(LLATTE_GRAMMAR_FAILED, std::string("the grammar cannot go on: ") + thrown.what());
}

[[noreturn]] void no_numbers() {
    fail(LLATTE_DECODE_FAILED, "the model computed logits that are no numbers"); // sorting them is undefined
}

void apply(llatte_sampler * sampler, size_t index, llama_token_data_array & choice) {
    llama_sampler_apply(llama_sampler_chain_get(sampler->chain, static_cast<int32_t>(index)), &choice);
}

void apply_from(llatte_sampler * sampler, size_t index, llama_token_data_array & choice) {
    for (; index < sampler->stages.size(); index++) {
        apply(sampler, index, choice);
    }
}

// llama.cpp's stage looks each token up by its place in the whole vocabulary.
void apply_biases(const std::vector<llama_logit_bias> & biases, std::vector<llama_token_data> & touched) {
    auto token = touched.begin();
    for (const llama_logit_bias & bias : biases) {
        while (token->id < bias.token) {
            ++token;
        }
        token->logit += bias.bias;
    }
}

// The stage that cuts the vocabulary down, if those before it change single tokens or all alike; `temperature` is what they divide by.
bool find_cut(const llatte_sampler * sampler, size_t * index, float * temperature) {
    *temperature = 1;
    for (*index = 0; *index < sampler->stages.size(); ++*index) {
        const stage & one = sampler->stages[*index];
        switch (one.kind) {
            case stage_kind::idle:
            case stage_kind::logit_bias:
                break;
            case stage_kind::penalties:
                if (!sampler->in_step) {
                    return false;
                }
                break;
            case stage_kind::temperature:
                if (*temperature != 1 || one.value <= 0) {
                    return false;
                }
                *temperature = one.value;
                break;
            case stage_kind::dist:
            case stage_kind::other:
                return false;
            default:
                return true;
        }
    }
    return false;
}

// The tokens whose logits the stages before `cut` change one by one, as they leave them. False where one becomes no number.
bool touch(llatte_sampler * sampler, const float * logits, size_t cut) {
    const std::vector<int32_t> & recent = sampler->recent.distinct();
    sampler->touched_ids.resize(sampler->biased.size() + recent.size());
    const auto end = std::set_union(sampler->biased.begin(), sampler->biased.end(), recent.begin(), recent.end(), sampler->touched_ids.begin());
    sampler->touched_ids.resize(end - sampler->touched_ids.begin());
    sampler->touched.clear();
    for (int32_t id : sampler->touched_ids) {
        sampler->touched.push_back({ id, logits[id], 0.0f });
    }
    llama_token_data_array choice{ sampler->touched.data(), sampler->touched.size(), -1, false };
    for (size_t i = 0; i < cut; i++) {
        if (sampler->stages[i].kind == stage_kind::logit_bias) {
            apply_biases(sampler->stages[i].biases, sampler->touched);
        } else {
            apply(sampler, i, choice);
        }
    }
    return std::none_of(sampler->touched.begin(), sampler->touched.end(), [](const llama_token_data & token) { return std::isnan(token.logit); });
}

bool keep(shortlist & list, const stage & cut) {
    switch (cut.kind) {
        case stage_kind::greedy:
            return list.keep_best(1);
        case stage_kind::top_k:
            return list.keep_best(cut.count);
        case stage_kind::min_p:
            return list.keep_probable(cut.value, cut.count);
        default:
            return list.keep_mass(cut.value, cut.count);
    }
}

// Chooses among a part of the vocabulary that the chain cannot tell from the whole: llama.cpp's own stages then do what they would have done.
// False where there is no such part, or where infinities make it doubtful; nothing has changed then.
bool choose_from_few(llatte_sampler * sampler, const float * logits, llama_token_data_array * choice) {
    size_t cut;
    float  temperature;
    if (!find_cut(sampler, &cut, &temperature) || !touch(sampler, logits, cut)) {
        return false;
    }
    shortlist & list = sampler->list;
    if (!list.scan(logits, sampler->model->n_vocab, sampler->touched, temperature)) {
        no_numbers();
    }
    if (!std::isfinite(list.best()) || !keep(list, sampler->stages[cut])) {
        return false;
    }
    const bool done = sampler->stages[cut].kind == stage_kind::top_p;
    *choice         = list.candidates(done);
    apply_from(sampler, done ? cut + 1 : cut, *choice);
    return true;
}

// All of the vocabulary.
llama_token_data_array make_candidates(llatte_sampler * sampler, const float * logits) {
    const int32_t n_vocab = sampler->model->n_vocab;
    sampler->candidates.resize(n_vocab);
    bool numbers = true;
    for (llama_token token = 0; token < n_vocab; token++) {
        numbers &= logits[token] == logits[token];
        sampler->candidates[token] = { token, logits[token], 0.0f };
    }
    if (!numbers) {
        no_numbers();
    }
    return { sampler->candidates.data(), sampler->candidates.size(), -1, false };
}

llama_token chosen_of(const llama_token_data_array & choice) {
    if (choice.selected < 0 || choice.selected >= static_cast<int64_t>(choice.size)) {
        fail(LLATTE_INTERNAL, "the chain selected no token");
    }
    return choice.data[choice.selected].id;
}

llama_token choose_freely(llatte_sampler * sampler, const float * logits) {
    llama_token_data_array choice{};
    if (!choose_from_few(sampler, logits, &choice)) {
        choice = make_candidates(sampler, logits);
        apply_from(sampler, 0, choice);
    }
    return chosen_of(choice);
}

void drop_forbidden(llama_token_data_array & choice) {
    const auto end = std::remove_if(choice.data, choice.data + choice.size, [](const llama_token_data & token) { return token.logit == -INFINITY; });
    choice.size    = end - choice.data;
}

llama_token allowed_of(const llama_token_data_array & choice) {
    const llama_token token = chosen_of(choice);
    if (!(choice.data[choice.selected].logit > -INFINITY)) {
        fail(LLATTE_GRAMMAR_FAILED, "the chain forbids every token that the grammar allows here");
    }
    return token;
}

llama_token choose_end_of_reasoning(llatte_sampler * sampler, const float * logits) {
    llama_token_data_array choice = make_candidates(sampler, logits);
    sampler->bounds.end_reasoning(choice);
    drop_forbidden(choice);
    apply_from(sampler, 0, choice);
    return allowed_of(choice);
}

// So many of the best tokens are looked at before all others are.
constexpr int32_t few_best = 256;

// Where the chain keeps the k best: once k are allowed among the best of all, those behind them do not matter.
bool choose_from_few_allowed(llatte_sampler * sampler, const float * logits, llama_token_data_array * choice) {
    size_t cut;
    float  temperature;
    if (!find_cut(sampler, &cut, &temperature) || !touch(sampler, logits, cut)) {
        return false;
    }
    const stage & first  = sampler->stages[cut];
    const int32_t needed = first.kind == stage_kind::greedy ? 1 : first.kind == stage_kind::top_k ? first.count : few_best;
    shortlist &   list   = sampler->list;
    if (needed >= few_best || !list.scan(logits, sampler->model->n_vocab, sampler->touched, temperature) || !std::isfinite(list.best()) ||
        !list.keep_best(few_best)) {
        return false;
    }
    *choice = list.candidates(false);
    sampler->bounds.forbid(*choice);
    drop_forbidden(*choice);
    if (std::count_if(choice->data, choice->data + choice->size,
                      [&](const llama_token_data & token) { return token.logit > list.floor(); }) < needed) {
        return false;
    }
    apply_from(sampler, cut, *choice);
    return true;
}

// What the grammar allows, found by the beginnings that it allows. The logits are known to be numbers.
llama_token choose_from_allowed(llatte_sampler * sampler, const float * logits) {
    llama_token_data_array choice{};
    if (choose_from_few_allowed(sampler, logits, &choice)) {
        return allowed_of(choice);
    }
    const beginnings &    vocabulary = *sampler->model->beginnings;
    const beginnings::set possible   = sampler->bounds.possible();
    sampler->candidates.clear();
    for (llama_token token = 0; token < sampler->model->n_vocab; token++) {
        if (possible.test(vocabulary.of(token)) && logits[token] > -INFINITY) {
            sampler->candidates.push_back({ token, logits[token], 0.0f });
        }
    }
    choice = { sampler->candidates.data(), sampler->candidates.size(), -1, false };
    sampler->bounds.forbid(choice);
    drop_forbidden(choice);
    if (choice.size == 0) {
        fail(LLATTE_GRAMMAR_FAILED, "the grammar allows no token here");
    }
    apply_from(sampler, 0, choice);
    return allowed_of(choice);
}

} // namespace

void accept(llatte_sampler * sampler, llama_token token) {
    try {
        sampler->bounds.accept(token);
    } catch (const std::exception & thrown) {
        grammar_refusal(thrown);
    }
    try {
        llama_sampler_accept(sampler->chain, token);
        sampler->recent.add(token);
    } catch (const std::exception &) {
        sampler->in_step = false;
        throw;
    }
}

llama_token choose(llatte_sampler * sampler, const float * logits) {
    constraint & bounds = sampler->bounds;
    if (bounds.is_empty()) {
        return choose_freely(sampler, logits);
    }
    try {
        const llama_token token = bounds.ends_reasoning() ? choose_end_of_reasoning(sampler, logits) : choose_freely(sampler, logits);
        return !bounds.holds() || bounds.allows(token) ? token : choose_from_allowed(sampler, logits);
    } catch (const std::exception & thrown) {
        grammar_refusal(thrown);
    }
}

} // namespace llatte

using llatte::guarded;

namespace {

void require_usable(const llatte_context * context) {
    llatte::require_not_null(context, "context");
    if (context->poisoned) {
        llatte::fail(LLATTE_POISONED, "an earlier assertion inside llama.cpp left this context unusable");
    }
}

// What a chain chooses a row's token from: the row's scores, or what the graph chose already.
struct source {
    const float * logits = nullptr;
    llama_token   token  = LLAMA_TOKEN_NULL;
};

source source_of(const llatte_sampler * sampler, const llatte_context * context, int32_t row) {
    llatte::require_sampler(sampler);
    if (!sampler->selects) {
        llatte::fail(LLATTE_INVALID_STATE, "the chain has no stage that selects a token");
    }
    if (context->model->n_vocab != sampler->model->n_vocab) {
        llatte::fail(LLATTE_INVALID_STATE, llatte::format("the sampler is for a vocabulary of %d, and the context's has %d",
                                                          sampler->model->n_vocab, context->model->n_vocab),
                     sampler->model->n_vocab, context->model->n_vocab);
    }
    if (sampler->attached_to != nullptr && sampler->attached_to != context) {
        llatte::fail(LLATTE_INVALID_STATE, "the sampler is attached to another context");
    }
    source        from;
    const int32_t index = llatte::output_row(context, row);
    if (context->outputs[index] == llatte::chosen_in_graph) {
        if (context->graph_samplers[index] != sampler) {
            llatte::fail(LLATTE_INVALID_STATE, llatte::format("another sampler chose the token of row %d in the graph", index), index);
        }
        from.token = llama_get_sampled_token_ith(context->handle, index);
        if (from.token < 0 || from.token >= context->model->n_vocab) {
            llatte::fail(LLATTE_DECODE_FAILED, "the graph chose no token: the model computed logits that are no numbers");
        }
        return from;
    }
    from.logits = llama_get_logits_ith(context->handle, index);
    if (from.logits == nullptr) {
        llatte::fail(LLATTE_INVALID_STATE, "the context computes no logits");
    }
    return from;
}

int32_t choose_and_accept(llatte_sampler * sampler, const source & from, llatte_logprobs * logprobs = nullptr) {
    const llama_token token = from.logits == nullptr ? from.token : llatte::choose(sampler, from.logits);
    if (llatte::wants_logprobs(logprobs)) {
        llatte::find_logprobs(from.logits, sampler->model->n_vocab, token, logprobs);
    }
    llatte::accept(sampler, token);
    return token;
}

// Two rows of a large vocabulary are chosen from sooner than a team of threads is awake.
constexpr int64_t least_parallel_logits = 300000;

// Where a GPU decodes, no thread is awake: one more pays where it finds so much to do.
constexpr int64_t logits_a_woken_thread = 500000;

// As many as decoded on the CPU, by llama.cpp's rule, or one. libgomp keeps a team for each thread that forks, ends the threads by which the next
// team is smaller and starts those that it lacks, which takes milliseconds: with as many as decoded, called from where the decode was, the team is
// ggml's own, and its threads still spin at the dock.
int32_t fitting_threads(const llatte_context * context, int32_t count) {
    const int64_t n_logits = static_cast<int64_t>(count) * context->model->n_vocab;
    if (n_logits < least_parallel_logits) {
        return 1;
    }
    const int32_t n_decoded = context->n_rows > 1 ? llama_n_threads_batch(context->handle) : llama_n_threads(context->handle);
    if (context->model->computes_on_cpu) {
        return n_decoded;
    }
    return static_cast<int32_t>(std::min<int64_t>(n_decoded, (n_logits + logits_a_woken_thread - 1) / logits_a_woken_thread));
}

} // namespace

int32_t llatte_sampler_sample(llatte_sampler * sampler, llatte_context * context, int32_t row, int32_t * token, llatte_error * error) {
    // Not guarded_context: what fails here fails in the chain, and leaves the context whole.
    return guarded(error, [&] {
        llatte::require_sampler(sampler);
        require_usable(context);
        llatte::require_not_null(token, "token");
        *token = choose_and_accept(sampler, source_of(sampler, context, row));
    });
}

int32_t llatte_sampler_sample_rows(llatte_context * context, int32_t count, llatte_sampler * const * samplers, const int32_t * rows,
                                   int32_t * tokens, int32_t * statuses, llatte_error * errors, llatte_logprobs * logprobs, int32_t n_threads,
                                   llatte_error * error) {
    return guarded(error, [&] {
        require_usable(context);
        llatte::require_range("count", count, 0, context->n_batch);
        llatte::require_range("n_threads", n_threads, 0, llatte::max_threads);
        if (count == 0) {
            return;
        }
        llatte::require_not_null(samplers, "samplers");
        llatte::require_not_null(rows, "rows");
        llatte::require_not_null(tokens, "tokens");
        llatte::require_not_null(statuses, "statuses");

        // On this thread: llama.cpp's getters change the context.
        std::vector<const float *> & logits = context->round_logits;
        logits.resize(std::max<size_t>(logits.size(), count));
        const auto error_of    = [&](int32_t i) { return errors == nullptr ? nullptr : errors + i; };
        const auto logprobs_of = [&](int32_t i) { return logprobs == nullptr ? nullptr : logprobs + i; };
        for (int32_t i = 0; i < count; i++) {
            statuses[i] = guarded(error_of(i), [&] {
                const source from = source_of(samplers[i], context, rows[i]);
                if (samplers[i]->in_round) {
                    llatte::fail(LLATTE_INVALID_ARGUMENT, "the sampler has another row of this round already");
                }
                if (llatte::wants_logprobs(logprobs_of(i)) && from.logits == nullptr) {
                    llatte::fail(LLATTE_INVALID_STATE, llatte::format("row %d has no logits here: its token was chosen in the graph", rows[i]), rows[i]);
                }
                logits[i]             = from.logits;
                tokens[i]             = from.logits == nullptr ? from.token : tokens[i];
                samplers[i]->in_round = true;
            });
        }

        const int32_t n_team = n_threads == 0 ? fitting_threads(context, count) : n_threads;
#if defined(_OPENMP)
#    pragma omp parallel for num_threads(n_team) schedule(dynamic) if (n_team > 1)
#else
        (void) n_team;
#endif
        for (int32_t i = 0; i < count; i++) {
            if (statuses[i] == LLATTE_OK) {
                const source from{ logits[i], tokens[i] };
                statuses[i]           = guarded(error_of(i), [&] { tokens[i] = choose_and_accept(samplers[i], from, logprobs_of(i)); });
                samplers[i]->in_round = false;
            }
        }
    });
}
