#include "handles.h"

#include "llama-model.h"

#include <algorithm>
#include <memory>

namespace llatte {

namespace {

constexpr uint32_t max_ctx = 1u << 27;

bool is_kv_type(ggml_type type) {
    switch (type) {
        case GGML_TYPE_F32:
        case GGML_TYPE_F16:
        case GGML_TYPE_BF16:
        case GGML_TYPE_Q8_0:
        case GGML_TYPE_Q4_0:
        case GGML_TYPE_Q4_1:
        case GGML_TYPE_IQ4_NL:
        case GGML_TYPE_Q5_0:
        case GGML_TYPE_Q5_1:
            return true;
        default:
            return false;
    }
}

bool on_compute_abort(void * user_data) {
    return is_cancelled(static_cast<const llatte_control *>(user_data));
}

struct batch_view {
    int32_t         n_tokens;
    const int32_t * tokens;
    const float *   embeddings;
    const int32_t * positions;
    const int32_t * sequence_counts;
    const int32_t * sequences;
    int32_t         sequence_stride;
    const int8_t *  outputs;
};

void require_mtp(const llatte_model * model) {
    if (llama_model_n_layer_nextn(model->handle) == 0) {
        fail(LLATTE_CANNOT_SPECULATE, "the model has no layers for multi-token prediction");
    }
    if (!model->mtp) {
        fail(LLATTE_CANNOT_SPECULATE, "the model was loaded without its layers for multi-token prediction");
    }
    // Those that have it and MTP layers (GLM-4.5V) assert on a compute thread: llama.cpp gives these layers plain positions.
    if (llama_model_rope_type(model->handle) == LLAMA_ROPE_TYPE_MROPE) {
        fail(LLATTE_CANNOT_SPECULATE, "llama.cpp cannot evaluate the MTP layers of a model with M-RoPE");
    }
}

void check_batch(const llatte_context * context, const batch_view & batch, int32_t limit, const char * limit_name) {
    if (batch.n_tokens < 1 || batch.n_tokens > limit) {
        fail(LLATTE_INVALID_ARGUMENT, format("a batch of %d tokens, where 1 to %s of %d fit", batch.n_tokens, limit_name, limit),
             batch.n_tokens, limit);
    }
    if ((batch.tokens == nullptr) == (batch.embeddings == nullptr)) {
        fail(LLATTE_INVALID_ARGUMENT, "exactly one of tokens and embeddings must be given");
    }
    require_not_null(batch.positions, "positions");
    require_not_null(batch.sequence_counts, "sequence_counts");
    require_not_null(batch.sequences, "sequences");
    require_not_null(batch.outputs, "outputs");
    int32_t n_outputs = 0;
    for (int32_t i = 0; i < batch.n_tokens; i++) {
        if (batch.tokens != nullptr && (batch.tokens[i] < 0 || batch.tokens[i] >= context->model->n_vocab)) {
            fail(LLATTE_INVALID_ARGUMENT, format("row %d has token %d, and the vocabulary has %d", i, batch.tokens[i], context->model->n_vocab),
                 batch.tokens[i], context->model->n_vocab);
        }
        if (batch.positions[i] < 0) {
            fail(LLATTE_INVALID_ARGUMENT, format("row %d has position %d", i, batch.positions[i]), batch.positions[i], 0);
        }
        if (batch.positions[i] >= context->model->n_positions) {
            fail(LLATTE_INVALID_ARGUMENT, format("row %d has position %d, and the model learned %d", i, batch.positions[i],
                                                 context->model->n_positions),
                 batch.positions[i], context->model->n_positions);
        }
        if (batch.sequence_counts[i] < 1 || batch.sequence_counts[i] > batch.sequence_stride) {
            fail(LLATTE_INVALID_ARGUMENT, format("row %d belongs to %d sequences, and must to 1 to %d", i, batch.sequence_counts[i],
                                                 batch.sequence_stride),
                 batch.sequence_counts[i], batch.sequence_stride);
        }
        const int32_t * sequences = batch.sequences + static_cast<int64_t>(i) * batch.sequence_stride;
        for (int32_t s = 0; s < batch.sequence_counts[i]; s++) {
            require_sequence(context, "a row's sequence", sequences[s]);
            if (sequences[s] != sequences[0] && !context->unified) {
                fail(LLATTE_INVALID_ARGUMENT, format("row %d belongs to several sequences, and each has a cache of its own (kv_unified is off)", i),
                     batch.sequence_counts[i], 1);
            }
        }
        // With embeddings llama.cpp gives output for every row.
        n_outputs += batch.outputs[i] != 0 || context->embeddings;
    }
    if (n_outputs > context->n_outputs_max) {
        fail(LLATTE_INVALID_ARGUMENT, format("%d rows ask for output, and the context gives at most %d", n_outputs, context->n_outputs_max),
             n_outputs, context->n_outputs_max);
    }
}

// llama.cpp takes a pointer to each row's sequences.
llama_batch to_llama(llatte_context * context, const batch_view & batch) {
    if (context->sequence_rows.size() < static_cast<size_t>(batch.n_tokens)) {
        context->sequence_rows.resize(std::max(batch.n_tokens, context->n_batch));
    }
    for (int32_t i = 0; i < batch.n_tokens; i++) {
        context->sequence_rows[i] = const_cast<llama_seq_id *>(batch.sequences + static_cast<int64_t>(i) * batch.sequence_stride);
    }
    llama_batch native{};
    native.n_tokens = batch.n_tokens;
    native.token    = const_cast<llama_token *>(batch.tokens);
    native.embd     = const_cast<float *>(batch.embeddings);
    native.pos      = const_cast<llama_pos *>(batch.positions);
    if (batch.embeddings != nullptr && context->model->n_positions_a_row > 1) {
        // A plane of positions after the other; those of a text are the same in all.
        context->positions.clear();
        for (int32_t plane = 0; plane < context->model->n_positions_a_row; plane++) {
            context->positions.insert(context->positions.end(), batch.positions, batch.positions + batch.n_tokens);
        }
        native.pos = context->positions.data();
    }
    native.n_seq_id = const_cast<int32_t *>(batch.sequence_counts);
    native.seq_id   = context->sequence_rows.data();
    native.logits   = const_cast<int8_t *>(batch.outputs);
    return native;
}

void remember_outputs(llatte_context * context, const batch_view & batch) {
    context->outputs.resize(std::max<size_t>(context->outputs.capacity(), context->n_batch));
    std::fill(context->outputs.begin(), context->outputs.end(), 0);
    context->n_rows    = batch.n_tokens;
    context->n_outputs = 0;
    for (int32_t i = 0; i < batch.n_tokens; i++) {
        // With embeddings llama.cpp gives output for every row.
        const bool output   = batch.outputs[i] != 0 || context->embeddings;
        context->outputs[i] = output ? has_logits : 0;
        context->n_outputs += output;
    }
    if (context->n_attached > 0) {
        remember_graph_rows(context, batch.n_tokens, batch.sequences, batch.sequence_stride);
    }
}

void forget_outputs(llatte_context * context) {
    std::fill(context->outputs.begin(), context->outputs.end(), 0);
    context->n_rows    = 0;
    context->n_outputs = 0;
}

void check_result(llatte_context * context, int32_t result, int32_t n_tokens) {
    switch (result) {
        case 0:
            return;
        case 1:
            fail(LLATTE_CONTEXT_FULL, format("no room for %d tokens in a KV cache of %d", n_tokens, context->n_ctx), n_tokens, context->n_ctx);
        case 2:
            fail(LLATTE_CANCELLED, "the decode was cancelled");
        case -1:
            fail(LLATTE_DECODE_FAILED, "llama.cpp refused the batch" + because(), result);
        default:
            if (is_cancelled(context->control)) {
                fail(LLATTE_CANCELLED, "the decode was cancelled");
            }
            fail(LLATTE_DECODE_FAILED, format("llama.cpp failed with code %d", result) + because(), result);
    }
}

} // namespace

void require_sequence(const llatte_context * context, const char * name, int32_t sequence) {
    require_range(name, sequence, 0, context->n_seq_max - 1);
}

void check_context_params(const llatte_model * model, const llama_context_params & params) {
    if (model->vocab_only) {
        fail(LLATTE_INVALID_STATE, "the model was loaded without its weights");
    }
    if (params.cb_eval != nullptr || params.abort_callback != nullptr || params.samplers != nullptr || params.n_samplers != 0 ||
        params.ctx_other != nullptr) {
        fail(LLATTE_INVALID_ARGUMENT, "callbacks, samplers and ctx_other must be NULL");
    }
    require_range("n_ctx", params.n_ctx, 0, max_ctx);
    require_range("n_batch", params.n_batch, 1, max_ctx);
    require_range("n_ubatch", params.n_ubatch, 1, params.n_batch);
    require_range("n_seq_max", params.n_seq_max, 1,
                  std::min<int64_t>(static_cast<int64_t>(llama_max_parallel_sequences()), params.n_batch));
    if (params.n_ctx != 0) {
        require_range("n_ctx", params.n_ctx, params.n_seq_max, max_ctx); // it bounds the batch
    }
    require_range("n_rs_seq", params.n_rs_seq, 0, 64);
    if (params.n_outputs_max != 0) {
        require_range("n_outputs_max", params.n_outputs_max, params.n_seq_max, max_ctx);
    }
    require_range("n_threads", params.n_threads, 1, max_threads);
    require_range("n_threads_batch", params.n_threads_batch, 1, max_threads);
    require_range("ctx_type", params.ctx_type, LLAMA_CONTEXT_TYPE_DEFAULT, LLAMA_CONTEXT_TYPE_MTP);
    if (params.ctx_type == LLAMA_CONTEXT_TYPE_MTP) {
        require_mtp(model);
    }
    require_range("rope_scaling_type", params.rope_scaling_type, LLAMA_ROPE_SCALING_TYPE_UNSPECIFIED, LLAMA_ROPE_SCALING_TYPE_MAX_VALUE);
    require_range("pooling_type", params.pooling_type, LLAMA_POOLING_TYPE_UNSPECIFIED, LLAMA_POOLING_TYPE_RANK);
    require_range("attention_type", params.attention_type, LLAMA_ATTENTION_TYPE_UNSPECIFIED, LLAMA_ATTENTION_TYPE_NON_CAUSAL);
    require_range("flash_attn_type", params.flash_attn_type, LLAMA_FLASH_ATTN_TYPE_AUTO, LLAMA_FLASH_ATTN_TYPE_ENABLED);
    for (float value : { params.rope_freq_base, params.rope_freq_scale, params.yarn_ext_factor, params.yarn_attn_factor,
                         params.yarn_beta_fast, params.yarn_beta_slow, params.defrag_thold }) {
        require_finite("a RoPE or YaRN number", value);
    }
    for (ggml_type type : { params.type_k, params.type_v }) {
        if (!is_kv_type(type)) {
            fail(LLATTE_INVALID_ARGUMENT, format("type %d is no type of a KV cache", static_cast<int>(type)), type);
        }
    }
    if (params.embeddings) {
        check_pooling(model, params.pooling_type);
    }
}

int32_t output_row(const llatte_context * context, int32_t row) {
    if (context->n_outputs == 0) {
        fail(LLATTE_INVALID_STATE, "the last decode gave no output");
    }
    const auto rows = static_cast<int32_t>(context->outputs.size());
    if (row == -1) {
        for (int32_t i = rows - 1; i >= 0; i--) {
            if (context->outputs[i] != 0) {
                return i;
            }
        }
    }
    if (row < 0 || row >= rows || context->outputs[row] == 0) {
        fail(LLATTE_INVALID_ARGUMENT, format("row %d of the last decode has no output; %d rows have", row, context->n_outputs), row,
             context->n_outputs);
    }
    return row;
}

const float * row_logits(const llatte_context * context, int32_t row) {
    const int32_t index = output_row(context, row);
    if (context->outputs[index] == chosen_in_graph) {
        fail(LLATTE_INVALID_STATE, format("row %d has no logits here: its token was chosen in the graph", index), index);
    }
    const float * logits = llama_get_logits_ith(context->handle, index);
    if (logits == nullptr) {
        fail(LLATTE_INVALID_STATE, "the context computes no logits");
    }
    return logits;
}

} // namespace llatte

using llatte::guarded_context;

void llatte_context_default_params(llama_context_params * out) {
    if (out != nullptr) {
        *out = llama_context_default_params();
    }
}

int32_t llatte_context_create(llatte_model * model, const llama_context_params * params, llatte_control * control, llatte_context ** out,
                              llatte_error * error) {
    return llatte::guarded(error, [&] {
        llatte::require_not_null(model, "model");
        llatte::require_not_null(params, "params");
        llatte::require_not_null(out, "out");
        llatte::check_context_params(model, *params);
        llama_context_params own = *params;
        if (control != nullptr) {
            own.abort_callback      = llatte::on_compute_abort;
            own.abort_callback_data = control;
        }
        auto context    = std::make_unique<llatte_context>();
        context->handle = llama_init_from_model(model->handle, own);
        if (context->handle == nullptr) {
            llatte::context_failure();
        }
        context->model         = model;
        context->control       = control;
        context->n_ctx         = static_cast<int32_t>(llama_n_ctx(context->handle));
        context->n_ctx_seq     = static_cast<int32_t>(llama_n_ctx_seq(context->handle));
        context->n_batch       = static_cast<int32_t>(llama_n_batch(context->handle));
        context->n_ubatch      = static_cast<int32_t>(llama_n_ubatch(context->handle));
        context->n_seq_max     = static_cast<int32_t>(llama_n_seq_max(context->handle));
        const bool every_row   = own.n_outputs_max == 0 || llama_model_has_encoder(model->handle);
        context->n_rs_seq      = static_cast<int32_t>(llama_n_rs_seq(context->handle));
        context->n_outputs_max = every_row ? context->n_batch : static_cast<int32_t>(own.n_outputs_max);
        context->n_outputs_seq = own.n_outputs_max_per_seq == 0 ? context->n_outputs_max : static_cast<int32_t>(own.n_outputs_max_per_seq);
        context->embeddings    = own.embeddings;
        context->unified       = own.kv_unified || context->n_seq_max == 1;
        context->mtp           = own.ctx_type == LLAMA_CONTEXT_TYPE_MTP;
        context->type_k        = own.type_k;
        context->type_v        = own.type_v;
        context->shifts        = own.type_k != GGML_TYPE_BF16; // ggml rotates F32, F16 and what it can dequantise
        context->causal        = own.attention_type == LLAMA_ATTENTION_TYPE_UNSPECIFIED ? model->handle->hparams.causal_attn
                                                                                        : own.attention_type == LLAMA_ATTENTION_TYPE_CAUSAL;
        *out = context.release();
    });
}

void llatte_context_free(llatte_context * context) {
    if (context != nullptr) {
        llatte::detach_all(context);
        llatte::guarded(nullptr, [&] { llatte::detach_speculators(context); });
        llatte::leave_adapters(context);
        llatte::guarded(nullptr, [&] { llama_free(context->handle); });
        delete context;
    }
}

llama_context * llatte_context_handle(llatte_context * context) {
    return context == nullptr ? nullptr : context->handle;
}

int32_t llatte_context_decode(llatte_context * context, int32_t n_tokens, const int32_t * tokens, const float * embeddings,
                              const int32_t * positions, const int32_t * sequence_counts, const int32_t * sequences,
                              int32_t sequence_stride, const int8_t * outputs, llatte_error * error) {
    return guarded_context(context, error, [&] {
        const llatte::batch_view batch{ n_tokens, tokens, embeddings, positions, sequence_counts, sequences, sequence_stride, outputs };
        // Without a KV cache llama_decode encodes, which takes a micro-batch at most; so does attention to later tokens.
        const bool whole = llama_get_memory(context->handle) == nullptr || !context->causal;
        llatte::check_batch(context, batch, whole ? context->n_ubatch : context->n_batch, whole ? "a micro-batch" : "a batch");
        if (context->n_attached > 0) {
            llatte::check_graph_rows(context, n_tokens, sequence_counts, sequences, sequence_stride, outputs);
        }
        llatte::forget_outputs(context);
        const int32_t result = llama_decode(context->handle, llatte::to_llama(context, batch));
        llatte::check_result(context, result, n_tokens);
        llatte::remember_outputs(context, batch);
    });
}

int32_t llatte_context_encode(llatte_context * context, int32_t n_tokens, const int32_t * tokens, const float * embeddings,
                              const int32_t * positions, const int32_t * sequence_counts, const int32_t * sequences,
                              int32_t sequence_stride, const int8_t * outputs, llatte_error * error) {
    return guarded_context(context, error, [&] {
        const llatte::batch_view batch{ n_tokens, tokens, embeddings, positions, sequence_counts, sequences, sequence_stride, outputs };
        if (!llama_model_has_encoder(context->model->handle) && llama_get_memory(context->handle) != nullptr) {
            llatte::fail(LLATTE_INVALID_STATE, "the model has no encoder");
        }
        llatte::check_batch(context, batch, context->n_ubatch, "a micro-batch");
        llatte::forget_outputs(context);
        const int32_t result = llama_encode(context->handle, llatte::to_llama(context, batch));
        llatte::check_result(context, result, n_tokens);
        llatte::remember_outputs(context, batch);
    });
}

int32_t llatte_context_logits(llatte_context * context, int32_t row, const float ** out, llatte_error * error) {
    return guarded_context(context, error, [&] {
        llatte::require_not_null(out, "out");
        *out = llatte::row_logits(context, row);
    });
}

int32_t llatte_context_embeddings(llatte_context * context, int32_t row, const float ** out, int32_t * length, llatte_error * error) {
    return guarded_context(context, error, [&] {
        llatte::require_not_null(out, "out");
        llatte::require_not_null(length, "length");
        if (!context->embeddings) {
            llatte::fail(LLATTE_INVALID_STATE, "the context was made without embeddings");
        }
        // llama.cpp would hand out its row buffer here, which pooling leaves unwritten.
        if (llama_pooling_type(context->handle) != LLAMA_POOLING_TYPE_NONE) {
            llatte::fail(LLATTE_INVALID_STATE, "the context pools its embeddings: ask for a sequence's");
        }
        const float * embeddings = llama_get_embeddings_ith(context->handle, llatte::output_row(context, row));
        if (embeddings == nullptr) {
            llatte::fail(LLATTE_INVALID_STATE, "the context computes no embeddings");
        }
        *out    = embeddings;
        *length = llama_model_n_embd_out(context->model->handle);
    });
}

int32_t llatte_context_sequence_embeddings(llatte_context * context, int32_t sequence, const float ** out, int32_t * length,
                                           llatte_error * error) {
    return guarded_context(context, error, [&] {
        llatte::require_not_null(out, "out");
        llatte::require_not_null(length, "length");
        llatte::require_sequence(context, "sequence", sequence);
        const auto pooling = llama_pooling_type(context->handle);
        if (!context->embeddings || pooling == LLAMA_POOLING_TYPE_NONE) {
            llatte::fail(LLATTE_INVALID_STATE, "the context does not pool embeddings");
        }
        const float * embeddings = llama_get_embeddings_seq(context->handle, sequence);
        if (embeddings == nullptr) {
            llatte::fail(LLATTE_INVALID_STATE, llatte::format("sequence %d was not in the last batch", sequence));
        }
        *out    = embeddings;
        *length = pooling == LLAMA_POOLING_TYPE_RANK ? static_cast<int32_t>(llama_model_n_cls_out(context->model->handle))
                                                     : llama_model_n_embd_out(context->model->handle);
    });
}

int32_t llatte_context_set_threads(llatte_context * context, int32_t n_threads, int32_t n_threads_batch, llatte_error * error) {
    return guarded_context(context, error, [&] {
        llatte::require_range("n_threads", n_threads, 1, llatte::max_threads);
        llatte::require_range("n_threads_batch", n_threads_batch, 1, llatte::max_threads);
        llama_set_n_threads(context->handle, n_threads, n_threads_batch);
    });
}

int32_t llatte_context_set_embeddings(llatte_context * context, bool enabled, llatte_error * error) {
    return guarded_context(context, error, [&] {
        llama_set_embeddings(context->handle, enabled);
        context->embeddings = enabled;
    });
}

int32_t llatte_context_set_causal(llatte_context * context, bool causal, llatte_error * error) {
    return guarded_context(context, error, [&] {
        llama_set_causal_attn(context->handle, causal);
        context->causal = causal;
    });
}

int32_t llatte_context_synchronize(llatte_context * context, llatte_error * error) {
    return guarded_context(context, error, [&] { llama_synchronize(context->handle); });
}

int32_t llatte_context_perf(llatte_context * context, llama_perf_context_data * out, llatte_error * error) {
    return guarded_context(context, error, [&] {
        llatte::require_not_null(out, "out");
        *out = llama_perf_context(context->handle);
    });
}
