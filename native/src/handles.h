// What stands behind the opaque handles of llatte.h: llama.cpp's own handles and the limits that every call is checked against.
#pragma once

#include "guard.h"

#include "beginnings.h"

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

struct llatte_model {
    llama_model *       handle     = nullptr;
    const llama_vocab * vocab      = nullptr;
    int32_t             n_vocab    = 0;
    bool                vocab_only = false;
    bool                mtp        = false; // loaded with its layers for multi-token prediction

    // Where the model learned its positions, how many it has: llama.cpp looks a further one up beyond the table's end.
    int32_t n_positions = INT32_MAX;
    // Positions that llama.cpp reads for each embedding of a batch: M-RoPE's time, height, width and one more.
    int32_t n_positions_a_row = 1;

    // Made when a grammar first asks for them.
    mutable std::once_flag                      beginnings_made;
    mutable std::unique_ptr<llatte::beginnings> beginnings;

    // Whether a decode computes with weights in host memory, on threads of the CPU. The first lookup of the embeddings always does, on one.
    bool computes_on_cpu = true;
};

struct llatte_adapter;
struct llatte_speculator;

struct llatte_context {
    llama_context *  handle  = nullptr;
    llatte_model *   model   = nullptr;
    llatte_control * control = nullptr;

    int32_t n_ctx         = 0;
    int32_t n_ctx_seq     = 0;
    int32_t n_batch       = 0;
    int32_t n_ubatch      = 0;
    int32_t n_seq_max     = 0;
    int32_t n_outputs_max = 0;
    int32_t n_outputs_seq = 1; // at most of a sequence whose chain is in the graph
    int32_t n_rs_seq      = 0; // tokens that a recurrent state can be taken back by
    bool    causal        = true;
    bool    embeddings    = false;
    bool    unified       = false; // one buffer for all sequences
    bool    shifts        = true;  // the cache's type can be rotated
    bool    mtp           = false; // evaluates the model's layers for multi-token prediction, not the model

    // Of the cache: a saved sequence fits another context only where these are the same.
    ggml_type type_k = GGML_TYPE_F16;
    ggml_type type_v = GGML_TYPE_F16;

    // An assertion was contained inside llama.cpp: its state is unknown and nothing but freeing is allowed.
    bool poisoned = false;

    // Of the last decode or encode, for each row: whether it has output, and of which kind. Reused, so that a steady decode allocates nothing.
    std::vector<int8_t>         outputs;
    int32_t                     n_rows    = 0;
    int32_t                     n_outputs = 0;
    std::vector<llama_seq_id *> sequence_rows;
    std::vector<llama_pos>      positions;
    std::vector<const float *>  round_logits;

    // The chains that the graph runs: for each sequence, and for each row of the last decode. Empty until there is one.
    std::vector<llatte_sampler *> attached;
    std::vector<llatte_sampler *> graph_samplers;
    std::vector<int8_t>           graph_outputs; // of a batch, by sequence
    int32_t                       n_attached = 0;

    // Those that use this context, which is freed after them.
    std::vector<llatte_speculator *> speculators;

    // What changes its layers, and how much.
    std::vector<llatte_adapter *> adapters;
    std::vector<float>            scales;
};

namespace llatte {

constexpr int32_t max_threads = 512;

// A row's output: its logits, or a token that its sequence's chain chose in the graph, which then need not read the logits back.
constexpr int8_t has_logits      = 1;
constexpr int8_t chosen_in_graph = 2;

// Runs a call on a context: refused where it is poisoned, and poisoning where llama.cpp fails an assertion or throws.
template <typename Body>
int32_t guarded_context(llatte_context * context, llatte_error * error, Body && body) {
    try {
        guard_scope scope;
        require_not_null(context, "context");
        if (context->poisoned) {
            fail(LLATTE_POISONED, "an earlier assertion inside llama.cpp left this context unusable");
        }
        body();
        return LLATTE_OK;
    } catch (...) {
        const failure failed = current_failure();
        if (failed.status == LLATTE_INTERNAL && context != nullptr) {
            context->poisoned = true;
        }
        return report(error, failed);
    }
}

inline bool is_cancelled(const llatte_control * control) {
    return control != nullptr && __atomic_load_n(&control->cancel, __ATOMIC_ACQUIRE) != 0;
}

void require_token(const llatte_model * model, int32_t token);
void require_vocabulary(const llatte_model * model);
void require_sequence(const llatte_context * context, const char * name, int32_t sequence);

// The row of the last decode that `row` means (-1: its last output); refused where that row has no output.
int32_t output_row(const llatte_context * context, int32_t row);

// Its scores; refused where there are none on this side.
const float * row_logits(const llatte_context * context, int32_t row);

// Bytes by buffer type, and what a caller is told of them, as weights.
using buffer_bytes = std::map<ggml_backend_buffer_type_t, int64_t>;
void write_entries(const buffer_bytes & bytes, llatte_memory_entry * entries, int32_t capacity, int32_t * count);

// Gives what was freed back to the system.
void return_free_memory();

// Before and after the decode of a batch with output of sequences whose chains are in the graph.
void check_graph_rows(llatte_context * context, int32_t n_tokens, const int32_t * sequence_counts, const int32_t * sequences, int32_t stride,
                      const int8_t * outputs);
void remember_graph_rows(llatte_context * context, int32_t n_tokens, const int32_t * sequences, int32_t stride);
void detach_all(llatte_context * context);

void check_model_params(const llama_model_params & params);
[[noreturn]] void load_failure(const std::string & path);
[[noreturn]] void context_failure();
void check_context_params(const llatte_model * model, const llama_context_params & params);

// Refuses a pooling of embeddings that the model cannot do.
void check_pooling(const llatte_model * model, enum llama_pooling_type pooling);

// Whether the cache is a state that only moves on.
bool is_recurrent(const llatte_context * context);

// Tells the context's adapters that it goes.
void leave_adapters(llatte_context * context);

// Takes the context out of its speculators' hands, which then refuse every call.
void detach_speculators(llatte_context * context);

} // namespace llatte
