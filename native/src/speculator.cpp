// Drafts by llama-common: another model, the model's own MTP layers, or what the history repeats.
#include "handles.h"

#include "llama-ext.h"
#include "speculative.h"

#include <algorithm>
#include <cstring>
#include <memory>

struct llatte_speculator {
    llatte_context * target     = nullptr; // both NULL once one of them was freed
    llatte_context * draft      = nullptr; // NULL for n-grams
    int32_t          kind       = LLATTE_DRAFT_NGRAM_SIMPLE;
    int32_t          max_tokens = 0;
    int32_t          match      = 0; // of n-grams
    float            min_probability = 0;
    bool             broken     = false; // an assertion was contained inside llama-common

    common_speculative_ptr drafts;

    llama_tokens evaluated;    // what the draft context holds, position for position
    int32_t      origin   = 0; // of its first position: MTP may come to a sequence that is there already
    int32_t      shortest = 0; // no history may be shorter than one before
    llama_tokens history;
    llama_tokens drafted;
};

namespace llatte {

namespace {

constexpr int32_t max_draft = 1024;

// llama-common's own tolerance: some vocabularies of one family are padded, and the first ids differ in name only.
constexpr int32_t max_vocab_difference = 128;
constexpr int32_t first_compared_token = 5;

[[noreturn]] void cannot(std::string why, int64_t requested = -1, int64_t available = -1) {
    fail(LLATTE_CANNOT_SPECULATE, std::move(why), requested, available);
}

bool uses_draft_context(int32_t kind) {
    return kind == LLATTE_DRAFT_MODEL || kind == LLATTE_DRAFT_MTP;
}

void require_same_special(const char * name, bool target_adds, bool draft_adds, int32_t target_token, int32_t draft_token) {
    if (target_adds != draft_adds || (target_adds && target_token != draft_token)) {
        cannot(format("the draft model's %s token is %d%s, and the model's is %d%s", name, draft_token, draft_adds ? "" : " and not added",
                      target_token, target_adds ? "" : " and not added"), draft_token, target_token);
    }
}

// What llama-common asks of two vocabularies, with the reason.
void require_same_vocabulary(const llatte_model * target, const llatte_model * draft) {
    if (llama_vocab_type(target->vocab) != llama_vocab_type(draft->vocab)) {
        cannot(format("the draft model's vocabulary is of type %d, and the model's of type %d", llama_vocab_type(draft->vocab),
                      llama_vocab_type(target->vocab)), llama_vocab_type(draft->vocab), llama_vocab_type(target->vocab));
    }
    require_same_special("first", llama_vocab_get_add_bos(target->vocab), llama_vocab_get_add_bos(draft->vocab), llama_vocab_bos(target->vocab),
                         llama_vocab_bos(draft->vocab));
    require_same_special("last", llama_vocab_get_add_eos(target->vocab), llama_vocab_get_add_eos(draft->vocab), llama_vocab_eos(target->vocab),
                         llama_vocab_eos(draft->vocab));
    if (std::abs(target->n_vocab - draft->n_vocab) > max_vocab_difference) {
        cannot(format("the draft model has %d tokens and the model %d: they may differ by %d", draft->n_vocab, target->n_vocab,
                      max_vocab_difference), draft->n_vocab, target->n_vocab);
    }
    for (int32_t token = first_compared_token; token < std::min(target->n_vocab, draft->n_vocab); token++) {
        const char * wanted = llama_vocab_get_text(target->vocab, token);
        const char * found  = llama_vocab_get_text(draft->vocab, token);
        if (strcmp(wanted, found) != 0) {
            cannot(format("token %d is \"%.64s\" for the draft model and \"%.64s\" for the model", token, found, wanted), token);
        }
    }
}

void require_cuttable(const llatte_context * context, const char * whose, int32_t max_tokens) {
    if (llama_get_memory(context->handle) == nullptr) {
        cannot(format("%s keeps no KV cache", whose));
    }
    if (is_recurrent(context) && context->n_rs_seq < max_tokens) {
        cannot(format("the recurrent state of %s can be taken back by %d tokens, and a draft of %d needs as many", whose, context->n_rs_seq,
                      max_tokens), max_tokens, context->n_rs_seq);
    }
}

void check_draft_context(const llatte_context * target, const llatte_context * draft, int32_t kind) {
    require_not_null(draft, "draft");
    if (draft == target) {
        fail(LLATTE_INVALID_ARGUMENT, "the draft context is the target");
    }
    if (draft->poisoned) {
        fail(LLATTE_POISONED, "an earlier assertion inside llama.cpp left the draft context unusable");
    }
    if (!draft->speculators.empty()) {
        fail(LLATTE_INVALID_STATE, "the draft context belongs to another speculator");
    }
    require_range("the draft context's n_seq_max", draft->n_seq_max, 1, 1);
    if (draft->mtp != (kind == LLATTE_DRAFT_MTP)) {
        fail(LLATTE_INVALID_ARGUMENT, draft->mtp ? "the draft context evaluates MTP layers only" : "the draft context does not evaluate MTP layers");
    }
    if (draft->mtp) {
        if (draft->model != target->model) {
            fail(LLATTE_INVALID_ARGUMENT, "the MTP layers are another model's");
        }
        require_range("the draft context's n_batch", draft->n_batch, target->n_batch, INT32_MAX);
        return;
    }
    require_same_vocabulary(target->model, draft->model);
    // A state that can be taken back can be so once for each decode, and a draft is several.
    if (is_recurrent(draft)) {
        cannot("the draft model has recurrent layers, whose state cannot be cut");
    }
    require_cuttable(draft, "the draft model", 0);
}

common_params_speculative params_of(const llatte_speculator * speculator) {
    common_params_speculative params;
    const auto                n = static_cast<uint16_t>(speculator->match);
    const auto                m = static_cast<uint16_t>(speculator->max_tokens);
    switch (speculator->kind) {
        case LLATTE_DRAFT_MODEL:
        case LLATTE_DRAFT_MTP:
            params.types = { speculator->kind == LLATTE_DRAFT_MTP ? COMMON_SPECULATIVE_TYPE_DRAFT_MTP : COMMON_SPECULATIVE_TYPE_DRAFT_SIMPLE };
            params.draft.n_max   = speculator->max_tokens;
            params.draft.p_min   = speculator->min_probability;
            params.draft.ctx_tgt = speculator->target->handle;
            params.draft.ctx_dft = speculator->draft->handle;
            break;
        case LLATTE_DRAFT_NGRAM_SIMPLE:
            params.types               = { COMMON_SPECULATIVE_TYPE_NGRAM_SIMPLE };
            params.ngram_simple.size_n = n;
            params.ngram_simple.size_m = m;
            break;
        case LLATTE_DRAFT_NGRAM_MAP:
            params.types                = { COMMON_SPECULATIVE_TYPE_NGRAM_MAP_K4V };
            params.ngram_map_k4v.size_n = n;
            params.ngram_map_k4v.size_m = m;
            break;
        case LLATTE_DRAFT_NGRAM_MOD:
            params.types             = { COMMON_SPECULATIVE_TYPE_NGRAM_MOD };
            params.ngram_mod.n_match = speculator->match;
            params.ngram_mod.n_max   = speculator->max_tokens;
            params.ngram_mod.n_min   = 0; // llama.cpp's default of 48 is for servers that evaluate long drafts only
            break;
    }
    return params;
}

void start(llatte_speculator * speculator) {
    common_params_speculative params = params_of(speculator);
    try {
        speculator->drafts.reset(common_speculative_init(params, 1));
    } catch (const std::runtime_error & refused) {
        cannot(refused.what());
    }
    if (speculator->drafts == nullptr) {
        cannot("llama.cpp made no speculator of this kind");
    }
}

// The number of speculators that make `target` compute what MTP layers take as input.
int64_t count_mtp(const llatte_context * target) {
    return std::count_if(target->speculators.begin(), target->speculators.end(),
                         [target](const llatte_speculator * one) { return one->kind == LLATTE_DRAFT_MTP && one->target == target; });
}

void forget(llatte_context * context, llatte_speculator * speculator) {
    if (context != nullptr) {
        auto & all = context->speculators;
        all.erase(std::remove(all.begin(), all.end(), speculator), all.end());
    }
}

// Leaves both contexts as they were before.
void detach(llatte_speculator * speculator) {
    speculator->drafts.reset();
    llatte_context * target = speculator->target;
    forget(target, speculator);
    forget(speculator->draft, speculator);
    if (target != nullptr && speculator->kind == LLATTE_DRAFT_MTP && count_mtp(target) == 0) {
        llama_set_embeddings_nextn(target->handle, false, false);
    }
    speculator->target = nullptr;
    speculator->draft  = nullptr;
}

// Runs a call on a speculator: refused where its contexts are gone, and the last one where llama-common fails an assertion or throws.
template <typename Body>
int32_t guarded_speculator(llatte_speculator * speculator, llatte_error * error, Body && body) {
    try {
        guard_scope scope;
        require_not_null(speculator, "speculator");
        if (speculator->target == nullptr) {
            fail(LLATTE_INVALID_STATE, "a context of the speculator was freed before it");
        }
        if (speculator->broken) {
            fail(LLATTE_POISONED, "an earlier assertion inside llama.cpp left this speculator unusable");
        }
        body();
        return LLATTE_OK;
    } catch (...) {
        const failure failed = current_failure();
        if (failed.status == LLATTE_INTERNAL && speculator != nullptr) {
            speculator->broken = true;
            if (speculator->draft != nullptr) {
                speculator->draft->poisoned = true;
            }
        }
        return report(error, failed);
    }
}

void require_tokens(const llatte_model * model, const char * name, const int32_t * tokens, int32_t count) {
    require_range("count", count, 0, INT32_MAX);
    if (count > 0) {
        require_not_null(tokens, name);
    }
    for (int32_t i = 0; i < count; i++) {
        require_token(model, tokens[i]);
    }
}

int32_t draft_length(const llatte_speculator * speculator) {
    return speculator->origin + static_cast<int32_t>(speculator->evaluated.size());
}

// Cuts the draft context down to positions below `length`.
void cut(llatte_speculator * speculator, int32_t length) {
    llama_memory_t memory = llama_get_memory(speculator->draft->handle);
    if (length <= speculator->origin || !llama_memory_seq_rm(memory, 0, length, -1)) {
        llama_memory_seq_rm(memory, 0, -1, -1);
        speculator->evaluated.clear();
        speculator->origin = 0;
        return;
    }
    if (length < draft_length(speculator)) {
        speculator->evaluated.resize(length - speculator->origin);
    }
}

// How far the draft context holds this history, as a position.
int32_t common_length(const llatte_speculator * speculator, const llama_tokens & history) {
    const auto & evaluated = speculator->evaluated;
    if (static_cast<size_t>(speculator->origin) >= history.size()) {
        return 0;
    }
    const auto from  = history.begin() + speculator->origin;
    const auto count = std::min<ptrdiff_t>(evaluated.size(), history.end() - from);
    return speculator->origin + static_cast<int32_t>(std::mismatch(from, from + count, evaluated.begin()).first - from);
}

// Hands llama-common rows of the only sequence that it knows of.
void process(llatte_speculator * speculator, const int32_t * tokens, int32_t count, int32_t first_position) {
    std::vector<llama_pos>      positions(count);
    std::vector<int32_t>        sequence_counts(count, 1);
    llama_seq_id                sequence = 0;
    std::vector<llama_seq_id *> sequences(count, &sequence);
    for (int32_t i = 0; i < count; i++) {
        positions[i] = first_position + i;
    }
    llama_batch batch{};
    batch.n_tokens = count;
    batch.token    = const_cast<llama_token *>(tokens);
    batch.pos      = positions.data();
    batch.n_seq_id = sequence_counts.data();
    batch.seq_id   = sequences.data();
    const bool done = common_speculative_process(speculator->drafts.get(), batch);
    if (!done) {
        cut(speculator, first_position);
        if (is_cancelled(speculator->draft->control)) {
            fail(LLATTE_CANCELLED, "drafting was cancelled");
        }
        fail(LLATTE_DECODE_FAILED, format("the draft context did not take %d tokens at position %d", count, first_position) + because(), count);
    }
    if (speculator->evaluated.empty()) {
        speculator->origin = first_position;
    }
    speculator->evaluated.insert(speculator->evaluated.end(), tokens, tokens + count);
}

// Makes the draft model's cache what the history says.
void catch_up(llatte_speculator * speculator) {
    const auto & history = speculator->history;
    cut(speculator, common_length(speculator, history));
    const auto end = static_cast<int32_t>(history.size());
    while (draft_length(speculator) < end) {
        const int32_t from = draft_length(speculator);
        process(speculator, history.data() + from, std::min(speculator->draft->n_batch, end - from), from);
    }
}

// How long a draft may be for the draft context's own limits.
int32_t room(const llatte_speculator * speculator, int32_t length) {
    if (speculator->draft == nullptr) {
        return max_draft;
    }
    const int32_t limit = std::min(speculator->draft->n_ctx_seq, speculator->draft->model->n_positions);
    return limit - length - 1;
}

bool draft_knows(const llatte_speculator * speculator, int32_t last) {
    if (speculator->draft == nullptr) {
        return true;
    }
    const int32_t n_vocab = speculator->draft->model->n_vocab;
    return last < n_vocab && std::all_of(speculator->history.begin(), speculator->history.end(), [n_vocab](int32_t id) { return id < n_vocab; });
}

// Whether the draft context can go on from the history.
bool prepare(llatte_speculator * speculator) {
    switch (speculator->kind) {
        case LLATTE_DRAFT_MODEL:
            catch_up(speculator);
            return true;
        case LLATTE_DRAFT_MTP: // holds what it was shown, with rejected drafts behind it
            cut(speculator, static_cast<int32_t>(speculator->history.size()));
            return !speculator->evaluated.empty() && draft_length(speculator) == static_cast<int32_t>(speculator->history.size());
        default:
            return true;
    }
}

// Guesses into `drafted`, which is empty.
void guess(llatte_speculator * speculator, int32_t last, int32_t max) {
    auto &        drafted   = speculator->drafted;
    const auto    length    = static_cast<int32_t>(speculator->history.size());
    auto &        params    = common_speculative_get_draft_params(speculator->drafts.get(), 0);
    params.drafting         = true;
    params.n_max            = max;
    params.pos0             = length;
    params.id_last          = last;
    params.prompt           = &speculator->history;
    params.result           = &drafted;
    common_speculative_draft(speculator->drafts.get());
    if (speculator->kind == LLATTE_DRAFT_MODEL) {
        // What it evaluated for the draft is there already when the draft proves right.
        const int32_t end = llama_memory_seq_pos_max(llama_get_memory(speculator->draft->handle), 0) + 1;
        for (int32_t i = length; i < std::min(end, length + 1 + static_cast<int32_t>(drafted.size())); i++) {
            speculator->evaluated.push_back(i == length ? last : drafted[i - length - 1]);
        }
        cut(speculator, draft_length(speculator));
    } else if (speculator->draft != nullptr) {
        cut(speculator, length);
    }
    if (speculator->draft != nullptr && is_cancelled(speculator->draft->control)) {
        drafted.clear();
        fail(LLATTE_CANCELLED, "drafting was cancelled");
    }
    const int32_t n_vocab = speculator->target->model->n_vocab;
    drafted.erase(std::find_if(drafted.begin(), drafted.end(), [n_vocab](int32_t id) { return id < 0 || id >= n_vocab; }), drafted.end());
    drafted.resize(std::min<size_t>(drafted.size(), max));
}

} // namespace

void detach_speculators(llatte_context * context) {
    while (!context->speculators.empty()) {
        detach(context->speculators.back());
    }
}

} // namespace llatte

using llatte::guarded_speculator;

int32_t llatte_speculator_create(llatte_context * target, llatte_context * draft, int32_t kind, int32_t max_tokens, int32_t match,
                                 float min_probability, llatte_speculator ** out, llatte_error * error) {
    return llatte::guarded_context(target, error, [&] {
        llatte::require_not_null(out, "out");
        llatte::require_range("kind", kind, LLATTE_DRAFT_MODEL, LLATTE_DRAFT_NGRAM_MOD);
        llatte::require_range("max_tokens", max_tokens, 1, llatte::max_draft);
        llatte::require_vocabulary(target->model);
        llatte::require_cuttable(target, "the model", max_tokens);
        if (llatte::uses_draft_context(kind)) {
            llatte::require_finite("min_probability", min_probability);
            if (min_probability < 0 || min_probability > 1) {
                llatte::fail(LLATTE_INVALID_ARGUMENT, llatte::format("min_probability is %f, and must be from 0 to 1", min_probability));
            }
            llatte::check_draft_context(target, draft, kind);
        } else {
            llatte::require_range("match", match, 1, llatte::max_draft);
            if (draft != nullptr) {
                llatte::fail(LLATTE_INVALID_ARGUMENT, "n-grams need no draft context");
            }
        }
        auto speculator             = std::make_unique<llatte_speculator>();
        speculator->target          = target;
        speculator->draft           = draft;
        speculator->kind            = kind;
        speculator->max_tokens      = max_tokens;
        speculator->match           = match;
        speculator->min_probability = min_probability;
        llatte::start(speculator.get());
        target->speculators.push_back(speculator.get());
        if (draft != nullptr) {
            draft->speculators.push_back(speculator.get());
            llama_memory_seq_rm(llama_get_memory(draft->handle), 0, -1, -1);
        }
        *out = speculator.release();
    });
}

void llatte_speculator_free(llatte_speculator * speculator) {
    if (speculator != nullptr) {
        llatte::guarded(nullptr, [&] { llatte::detach(speculator); });
        delete speculator;
    }
}

int32_t llatte_speculator_begin(llatte_speculator * speculator, const int32_t * prompt, int32_t count, llatte_error * error) {
    return guarded_speculator(speculator, error, [&] {
        llatte::require_tokens(speculator->target->model, "prompt", prompt, count);
        speculator->history.assign(prompt, prompt + count);
        speculator->drafted.clear();
        speculator->shortest = count;
        if (speculator->draft != nullptr) {
            llatte::cut(speculator, llatte::common_length(speculator, speculator->history));
        }
        if (speculator->kind == LLATTE_DRAFT_NGRAM_MAP) {
            // What it counted is of the history before, by position: llama-common keeps some of that, and may then read beyond a shorter one.
            llatte::start(speculator);
        }
        common_speculative_begin(speculator->drafts.get(), 0, speculator->history);
    });
}

int32_t llatte_speculator_process(llatte_speculator * speculator, const int32_t * tokens, int32_t count, int32_t first_position,
                                  llatte_error * error) {
    return guarded_speculator(speculator, error, [&] {
        llatte::require_tokens(speculator->target->model, "tokens", tokens, count);
        llatte::require_range("first_position", first_position, 0, INT32_MAX - count);
        if (speculator->kind != LLATTE_DRAFT_MTP || count == 0) {
            return;
        }
        if (count > speculator->target->n_rows) {
            llatte::fail(LLATTE_INVALID_STATE, llatte::format("the last decode had %d rows, and %d are to be processed", speculator->target->n_rows,
                                                              count), count, speculator->target->n_rows);
        }
        if (llama_get_embeddings_nextn(speculator->target->handle) == nullptr) {
            llatte::fail(LLATTE_INVALID_STATE, "nothing was decoded since the speculator was made");
        }
        if (first_position + count > speculator->draft->n_ctx_seq) {
            llatte::cut(speculator, 0); // drafts end here
            return;
        }
        // A gap in the cache is not allowed, and a cache that begins later is: its drafts are worse.
        llatte::cut(speculator, llatte::draft_length(speculator) < first_position ? 0 : first_position);
        llatte::process(speculator, tokens, count, first_position);
    });
}

int32_t llatte_speculator_draft(llatte_speculator * speculator, const int32_t * history, int32_t count, int32_t last, int32_t * draft,
                                int32_t max, int32_t * drafted, llatte_error * error) {
    return guarded_speculator(speculator, error, [&] {
        llatte::require_tokens(speculator->target->model, "history", history, count);
        llatte::require_token(speculator->target->model, last);
        llatte::require_not_null(drafted, "drafted");
        llatte::require_range("max", max, 0, INT32_MAX);
        if (max > 0) {
            llatte::require_not_null(draft, "draft");
        }
        if (count < speculator->shortest) {
            llatte::fail(LLATTE_INVALID_ARGUMENT, llatte::format("a history of %d tokens, and it had %d: begin anew", count, speculator->shortest),
                         count, speculator->shortest);
        }
        speculator->shortest = count;
        speculator->history.assign(history, history + count);
        speculator->drafted.clear();
        const int32_t allowed = std::min({ max, speculator->max_tokens, llatte::room(speculator, count) });
        if (allowed > 0 && llatte::draft_knows(speculator, last) && llatte::prepare(speculator)) {
            llatte::guess(speculator, last, allowed);
        }
        std::copy(speculator->drafted.begin(), speculator->drafted.end(), draft);
        *drafted = static_cast<int32_t>(speculator->drafted.size());
    });
}

int32_t llatte_speculator_accept(llatte_speculator * speculator, int32_t accepted, llatte_error * error) {
    return guarded_speculator(speculator, error, [&] {
        llatte::require_range("accepted", accepted, 0, static_cast<int64_t>(speculator->drafted.size()));
        if (!speculator->drafted.empty()) {
            common_speculative_accept(speculator->drafts.get(), 0, static_cast<uint16_t>(accepted));
            speculator->drafted.clear();
        }
    });
}
