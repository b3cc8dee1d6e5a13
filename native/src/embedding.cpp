// What a model's embeddings are, and which it cannot make.
#include "handles.h"

#include "llama-model.h"

namespace llatte {

namespace {

// Floats that the classification head gives; 0 without one. llama.cpp reads as many as the file has labels, whatever the head gives.
int32_t rank_outputs(const llama_model * model) {
    const ggml_tensor * head = model->cls_out != nullptr ? model->cls_out : model->cls;
    return head != nullptr && head->ne[1] == static_cast<int64_t>(model->hparams.n_cls_out) ? static_cast<int32_t>(head->ne[1]) : 0;
}

} // namespace

void check_pooling(const llatte_model * model, enum llama_pooling_type pooling) {
    const enum llama_pooling_type effective = pooling == LLAMA_POOLING_TYPE_UNSPECIFIED ? model->handle->hparams.pooling_type : pooling;
    require_range("the model's pooling_type", effective, LLAMA_POOLING_TYPE_UNSPECIFIED, LLAMA_POOLING_TYPE_RANK);
    if (effective == LLAMA_POOLING_TYPE_RANK && rank_outputs(model->handle) == 0) {
        fail(LLATTE_INVALID_ARGUMENT, format("the model cannot rank: it has no classification head of %u outputs", model->handle->hparams.n_cls_out),
             model->handle->hparams.n_cls_out, 0);
    }
}

} // namespace llatte

int32_t llatte_model_embedding_info(const llatte_model * model, llatte_embedding_info * out, llatte_error * error) {
    return llatte::guarded(error, [&] {
        llatte::require_not_null(model, "model");
        llatte::require_not_null(out, "out");
        const llama_model * handle = model->handle;
        out->pooling      = handle->hparams.pooling_type;
        out->length       = llama_model_n_embd_out(handle);
        out->rank_outputs = llatte::rank_outputs(handle);
        out->n_positions  = model->n_positions;
        out->causal       = handle->hparams.causal_attn;
        out->logits       = handle->output != nullptr;
    });
}
