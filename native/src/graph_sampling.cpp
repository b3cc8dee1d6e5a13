// Chains that the graph of a decode runs itself, on the model's device.
#include "sampler.h"

#include "llama-sampler.h"

#include <algorithm>

namespace llatte {

namespace {

// Of the same token: the graph would keep one of them.
bool has_twins(const std::vector<llama_logit_bias> & by_token) {
    const auto same = [](const llama_logit_bias & a, const llama_logit_bias & b) { return a.token == b.token; };
    return std::adjacent_find(by_token.begin(), by_token.end(), same) != by_token.end();
}

// Whether llama.cpp's graph does what its stages on the CPU do. It aborts on a top-k of more candidates than there are; it knows no least number to
// keep; and once a stage has cut candidates down, its greedy stage takes a candidate's place for a token, and its biases a token for a place.
bool is_faithful(const llatte_sampler * sampler) {
    if (!sampler->bounds.is_empty()) {
        return false;
    }
    int32_t n_candidates = sampler->model->n_vocab;
    bool    cut          = false;
    for (const stage & one : sampler->stages) {
        switch (one.kind) {
            case stage_kind::idle:
            case stage_kind::penalties:
            case stage_kind::dist:
                break;
            case stage_kind::logit_bias:
                if (cut || has_twins(one.biases)) {
                    return false;
                }
                break;
            case stage_kind::temperature:
                if (one.value <= 0) {
                    return false;
                }
                break;
            case stage_kind::top_k:
                if (one.count > n_candidates) {
                    return false;
                }
                n_candidates = one.count;
                cut          = true;
                break;
            case stage_kind::top_p:
            case stage_kind::min_p:
                if (one.count > 1) {
                    return false;
                }
                cut |= one.kind == stage_kind::top_p;
                break;
            case stage_kind::greedy:
                if (cut) {
                    return false;
                }
                break;
            case stage_kind::other:
                return false;
        }
    }
    return true;
}

// Whether the context's graph can have a chain at all.
bool has_sampling_graph(const llatte_context * context) {
    return context->n_outputs_seq == 1 && llama_get_memory(context->handle) != nullptr;
}

// After its preparation: whether the device has what every stage needs.
bool is_whole(const llatte_sampler * sampler) {
    const auto & stages = static_cast<const llama_sampler_chain *>(sampler->chain->ctx)->samplers;
    return std::all_of(stages.begin(), stages.end(), [](const llama_sampler_chain::info & one) { return one.is_backend; });
}

void prepare(llatte_sampler * sampler) {
    if (sampler->prepared) {
        llama_sampler * fresh = llama_sampler_clone(sampler->chain);
        llama_sampler_free(sampler->chain);
        sampler->chain = fresh;
    }
    sampler->prepared = true;
}

void attach(llatte_context * context, int32_t sequence, llatte_sampler * sampler, bool * accepted) {
    if (!sampler->selects) {
        fail(LLATTE_INVALID_STATE, "the chain has no stage that selects a token");
    }
    if (context->model->n_vocab != sampler->model->n_vocab) {
        fail(LLATTE_INVALID_STATE, format("the sampler is for a vocabulary of %d, and the context's has %d", sampler->model->n_vocab,
                                          context->model->n_vocab),
             sampler->model->n_vocab, context->model->n_vocab);
    }
    if (sampler->attached_to == context && sampler->sequence == sequence) {
        *accepted = true;
        return;
    }
    if (sampler->attached_to != nullptr) {
        fail(LLATTE_INVALID_STATE, format("the sampler is attached to sequence %d%s", sampler->sequence,
                                          sampler->attached_to == context ? "" : " of another context"));
    }
    *accepted = false;
    if (!has_sampling_graph(context) || !is_faithful(sampler)) {
        return;
    }
    context->attached.resize(context->n_seq_max);
    context->graph_samplers.resize(std::max<size_t>(context->outputs.size(), context->n_batch));
    if (context->attached[sequence] != nullptr) {
        detach(context->attached[sequence]);
    }
    prepare(sampler);
    if (!llama_set_sampler(context->handle, sequence, sampler->chain) || !is_whole(sampler)) {
        llama_set_sampler(context->handle, sequence, nullptr);
        return;
    }
    context->attached[sequence] = sampler;
    context->n_attached++;
    sampler->attached_to = context;
    sampler->sequence    = sequence;
    *accepted            = true;
}

void forget(llatte_sampler * sampler) {
    llatte_context * context             = sampler->attached_to;
    context->attached[sampler->sequence] = nullptr;
    context->n_attached--;
    std::replace(context->graph_samplers.begin(), context->graph_samplers.end(), sampler, static_cast<llatte_sampler *>(nullptr));
    sampler->attached_to = nullptr;
    sampler->sequence    = -1;
}

} // namespace

void detach(llatte_sampler * sampler) {
    llatte_context * context = sampler->attached_to;
    if (context == nullptr) {
        return;
    }
    if (!context->poisoned) { // else nothing will read the chain again
        llama_set_sampler(context->handle, sampler->sequence, nullptr);
    }
    forget(sampler);
}

void detach_all(llatte_context * context) {
    for (llatte_sampler * sampler : context->attached) {
        if (sampler != nullptr) {
            forget(sampler);
        }
    }
}

void check_graph_rows(llatte_context * context, int32_t n_tokens, const int32_t * sequence_counts, const int32_t * sequences, int32_t stride,
                      const int8_t * outputs) {
    std::vector<int8_t> & seen = context->graph_outputs;
    seen.assign(context->n_seq_max, false);
    for (int32_t row = 0; row < n_tokens; row++) {
        if (outputs[row] == 0 && !context->embeddings) {
            continue;
        }
        for (int32_t i = 0; i < sequence_counts[row]; i++) {
            const int32_t sequence = sequences[static_cast<int64_t>(row) * stride + i];
            if (context->attached[sequence] == nullptr) {
                continue;
            }
            if (seen[sequence] != 0 || sequence_counts[row] > 1) {
                fail(LLATTE_INVALID_ARGUMENT,
                     format("sequence %d has a sampler in the graph: one row of its own may ask for output, and row %d is %s", sequence, row,
                            seen[sequence] != 0 ? "a second one" : "shared"),
                     row, 1);
            }
            seen[sequence] = true;
        }
    }
}

void remember_graph_rows(llatte_context * context, int32_t n_tokens, const int32_t * sequences, int32_t stride) {
    for (int32_t row = 0; row < n_tokens; row++) {
        context->graph_samplers[row] = context->attached[sequences[static_cast<int64_t>(row) * stride]];
        if (context->outputs[row] != 0 && context->graph_samplers[row] != nullptr) {
            context->outputs[row] = chosen_in_graph;
        }
    }
}

} // namespace llatte

int32_t llatte_context_set_sampler(llatte_context * context, int32_t sequence, llatte_sampler * sampler, bool * accepted, llatte_error * error) {
    if (sampler == nullptr) { // of a poisoned context too
        return llatte::guarded(error, [&] {
            llatte::require_not_null(context, "context");
            llatte::require_sequence(context, "sequence", sequence);
            if (!context->attached.empty() && context->attached[sequence] != nullptr) {
                llatte::detach(context->attached[sequence]);
            }
        });
    }
    return llatte::guarded_context(context, error, [&] {
        llatte::require_sequence(context, "sequence", sequence);
        llatte::require_not_null(accepted, "accepted");
        llatte::attach(context, sequence, sampler, accepted);
    });
}
