// What a batch can do wrong.
#include "fixture.h"

#include <cmath>
#include <cstring>

using check::error;
using fixture::batch;

namespace {

const fixture::model_ptr & llama() {
    static fixture::model_ptr model = fixture::load(fixture::model_path("llama-dense"));
    return model;
}

} // namespace

CASE(decode_gives_logits) {
    auto context = fixture::context(llama());
    CHECK_OK(batch(8).decode(context));
    for (float logit : fixture::logits(context, llama())) {
        CHECK(std::isfinite(logit));
    }
}

CASE(decode_more_tokens_than_n_batch) {
    auto context = fixture::context(llama());
    CHECK_STATUS(LLATTE_INVALID_ARGUMENT, batch(33).decode(context));
    CHECK(error().requested == 33 && error().available == 32);
    CHECK_OK(batch(32).decode(context));
}

CASE(decode_negative_n) {
    auto context = fixture::context(llama());
    for (int32_t n : { 0, -1, INT32_MIN }) {
        CHECK_STATUS(LLATTE_INVALID_ARGUMENT, batch(4).decode(context, n));
    }
    fixture::check_usable(context);
}

CASE(decode_no_tokens_and_no_embeddings) {
    auto  context = fixture::context(llama());
    batch none(4);
    none.tokens.clear();
    CHECK_STATUS(LLATTE_INVALID_ARGUMENT, none.decode(context));
    batch both(4);
    both.embeddings.resize(4 * llama_model_n_embd_inp(llatte_model_handle(llama().get())));
    CHECK_STATUS(LLATTE_INVALID_ARGUMENT, both.decode(context));
    fixture::check_usable(context);
}

CASE(decode_null_arrays) {
    auto          context = fixture::context(llama());
    const int32_t one[]   = { 1 };
    const int8_t  yes[]   = { 1 };
    CHECK_STATUS(LLATTE_INVALID_ARGUMENT, llatte_context_decode(context.get(), 1, one, nullptr, nullptr, one, one, 1, yes, &error()));
    CHECK_STATUS(LLATTE_INVALID_ARGUMENT, llatte_context_decode(context.get(), 1, one, nullptr, one, nullptr, one, 1, yes, &error()));
    CHECK_STATUS(LLATTE_INVALID_ARGUMENT, llatte_context_decode(context.get(), 1, one, nullptr, one, one, nullptr, 1, yes, &error()));
    CHECK_STATUS(LLATTE_INVALID_ARGUMENT, llatte_context_decode(context.get(), 1, one, nullptr, one, one, one, 1, nullptr, &error()));
    CHECK_STATUS(LLATTE_INVALID_ARGUMENT, llatte_context_decode(nullptr, 1, one, nullptr, one, one, one, 1, yes, &error()));
}

CASE(decode_embeddings_instead_of_tokens) {
    auto  context = fixture::context(llama());
    batch rows(4);
    rows.tokens.clear();
    rows.embeddings.assign(4 * llama_model_n_embd_inp(llatte_model_handle(llama().get())), 0.25f);
    CHECK_OK(rows.decode(context));
    rows.embeddings.assign(rows.embeddings.size(), NAN);
    CHECK_OK(llatte_context_clear(context.get(), &error()));
    rows.decode(context); // any status; it must come back
}

CASE(decode_bad_token_ids) {
    auto context = fixture::context(llama());
    for (int32_t token : { -1, 128, INT32_MAX, INT32_MIN }) {
        batch bad(4);
        bad.tokens[2] = token;
        CHECK_STATUS(LLATTE_INVALID_ARGUMENT, bad.decode(context));
        CHECK(error().requested == token);
    }
    fixture::check_usable(context);
}

CASE(decode_bad_positions) {
    auto  context = fixture::context(llama());
    batch negative(4);
    negative.positions[0] = -1;
    CHECK_STATUS(LLATTE_INVALID_ARGUMENT, negative.decode(context));
    batch gap(4);
    gap.positions[3] = 9;
    CHECK_STATUS(LLATTE_DECODE_FAILED, gap.decode(context));
    batch decreasing(4);
    std::swap(decreasing.positions[0], decreasing.positions[3]);
    CHECK_STATUS(LLATTE_DECODE_FAILED, decreasing.decode(context));
    CHECK_OK(batch(4).decode(context));
    CHECK_STATUS(LLATTE_DECODE_FAILED, batch(4).decode(context)); // the same positions again
    CHECK_OK(batch(4, 4).decode(context));
    CHECK_OK(llatte_context_clear(context.get(), &error()));
    batch(1, INT32_MAX).decode(context); // any status; it must come back
    CHECK_OK(llatte_context_clear(context.get(), &error()));
    fixture::check_usable(context);
}

CASE(decode_n_seq_id_0) {
    auto context = fixture::context(llama());
    for (int32_t count : { 0, -1, 2, INT32_MAX, INT32_MIN }) {
        batch bad(4);
        bad.sequence_counts[1] = count;
        CHECK_STATUS(LLATTE_INVALID_ARGUMENT, bad.decode(context));
    }
    batch bad(4);
    bad.stride = 0;
    CHECK_STATUS(LLATTE_INVALID_ARGUMENT, bad.decode(context));
    bad.stride = -1;
    CHECK_STATUS(LLATTE_INVALID_ARGUMENT, bad.decode(context));
    fixture::check_usable(context);
}

CASE(decode_sequence_ids_out_of_range) {
    auto context = fixture::context(llama());
    for (int32_t sequence : { -1, 4, 256, INT32_MAX, INT32_MIN }) {
        CHECK_STATUS(LLATTE_INVALID_ARGUMENT, batch(4, 0, sequence).decode(context));
    }
    fixture::check_usable(context);
}

CASE(decode_rows_of_several_sequences) {
    for (bool unified : { false, true }) {
        auto params       = fixture::context_params();
        params.kv_unified = unified;
        auto  context     = fixture::context(llama(), params);
        batch shared(4);
        shared.stride = 2;
        shared.sequence_counts.assign(4, 2);
        shared.sequences = { 0, 1, 0, 1, 0, 1, 0, 1 };
        const int32_t status = shared.decode(context);
        CHECK(status == LLATTE_OK || status == LLATTE_DECODE_FAILED || status == LLATTE_INVALID_ARGUMENT);
        CHECK_OK(llatte_context_clear(context.get(), &error()));
        shared.sequences = { 0, 0, 1, 1, 0, 1, 2, 3 }; // twice the same, and sets that overlap in part
        const int32_t odd = shared.decode(context);
        CHECK(odd != LLATTE_INTERNAL);
        fixture::check_usable(context);
    }
}

CASE(decode_outputs_over_n_outputs_max) {
    auto params          = fixture::context_params();
    params.n_outputs_max = 4;
    auto  context        = fixture::context(llama(), params);
    batch all(8);
    all.outputs.assign(8, 1);
    CHECK_STATUS(LLATTE_INVALID_ARGUMENT, all.decode(context));
    CHECK(error().requested == 8 && error().available == 4);
    all.outputs.assign(8, 0);
    all.outputs[0] = all.outputs[1] = all.outputs[2] = all.outputs[7] = 1;
    CHECK_OK(all.decode(context));
}

CASE(decode_embeddings_output_every_row_over_n_outputs_max) {
    auto params          = fixture::context_params();
    params.n_outputs_max = 4;
    params.embeddings    = true;
    auto context         = fixture::context(llama(), params);
    CHECK_STATUS(LLATTE_INVALID_ARGUMENT, batch(8).decode(context));
    CHECK_OK(batch(4).decode(context));
    CHECK_OK(llatte_context_set_embeddings(context.get(), false, &error()));
    CHECK_OK(batch(8, 4).decode(context));
    CHECK_OK(llatte_context_set_embeddings(context.get(), true, &error()));
    CHECK_STATUS(LLATTE_INVALID_ARGUMENT, batch(8, 12).decode(context));
}

CASE(decode_non_causal_over_n_ubatch) {
    auto context = fixture::context(llama());
    CHECK_OK(llatte_context_set_causal(context.get(), false, &error()));
    CHECK_STATUS(LLATTE_INVALID_ARGUMENT, batch(17).decode(context));
    CHECK(error().available == 16);
    CHECK_OK(batch(16).decode(context));
    CHECK_OK(llatte_context_set_causal(context.get(), true, &error()));
    CHECK_OK(batch(17, 16).decode(context));

    auto params           = fixture::context_params();
    params.attention_type = LLAMA_ATTENTION_TYPE_NON_CAUSAL;
    auto fixed            = fixture::context(llama(), params);
    CHECK_STATUS(LLATTE_INVALID_ARGUMENT, batch(17).decode(fixed));
    CHECK_OK(batch(16).decode(fixed));
}

CASE(decode_and_encode_without_kv_memory_over_n_ubatch) {
    auto model   = fixture::load(fixture::model_path("llada-dense"));
    auto context = fixture::context(model);
    CHECK_STATUS(LLATTE_INVALID_ARGUMENT, batch(17).decode(context));
    CHECK_STATUS(LLATTE_INVALID_ARGUMENT, batch(17).encode(context));
    CHECK_OK(batch(16).decode(context));
    CHECK_OK(batch(16).encode(context));
}

CASE(encode_on_a_decoder_only_model) {
    auto context = fixture::context(llama());
    CHECK_STATUS(LLATTE_INVALID_STATE, batch(4).encode(context));
    auto mamba = fixture::load(fixture::model_path("mamba-dense"));
    CHECK_STATUS(LLATTE_INVALID_STATE, batch(4).encode(fixture::context(mamba)));
    fixture::check_usable(context);
}

CASE(decode_positions_beyond_a_learned_table) {
    auto model   = fixture::load(fixture::model_path("gpt2-dense")); // 256 learned positions
    auto context = fixture::context(model);
    CHECK_OK(batch(4, 252).decode(context));
    CHECK_OK(llatte_context_clear(context.get(), &error()));
    CHECK_STATUS(LLATTE_INVALID_ARGUMENT, batch(4, 253).decode(context));
    CHECK(error().requested == 256 && error().available == 256);
    fixture::check_usable(context);
}

CASE(decode_embeddings_of_a_model_with_several_positions_a_row) {
    auto  model   = fixture::load(fixture::model_path("qwen2vl-dense")); // M-RoPE: llama.cpp reads four positions for each embedding
    auto  context = fixture::context(model);
    batch rows(4);
    rows.positions.shrink_to_fit();
    rows.tokens.clear();
    rows.embeddings.assign(4 * llama_model_n_embd_inp(llatte_model_handle(model.get())), 0.25f);
    CHECK_OK(rows.decode(context));
    CHECK_OK(batch(4, 4).decode(context));
}

CASE(decode_into_a_full_cache) {
    auto params       = fixture::context_params();
    params.n_seq_max  = 1;
    auto context      = fixture::context(llama(), params);
    for (int32_t i = 0; i < 8; i++) {
        CHECK_OK(batch(32, i * 32).decode(context));
    }
    CHECK_STATUS(LLATTE_CONTEXT_FULL, batch(8, 256).decode(context));
    CHECK(error().requested == 8 && error().available == 256);
    CHECK(fixture::range_of(context, 0).last == 255);
    const float * row = nullptr;
    CHECK_STATUS(LLATTE_INVALID_STATE, llatte_context_logits(context.get(), -1, &row, &error()));
    fixture::check_usable(context);
}

CASE(a_cancelled_decode_stops) {
    llatte_control   control{ 1, 0 };
    auto             params  = fixture::context_params();
    llatte_context * raw     = nullptr;
    CHECK_OK(llatte_context_create(llama().get(), &params, &control, &raw, &error()));
    fixture::context_ptr context(raw);
    CHECK_STATUS(LLATTE_CANCELLED, batch(8).decode(context));
    control.cancel = 0;
    fixture::check_usable(context);
}

CASE(absurd_thread_counts) {
    auto context = fixture::context(llama());
    for (int32_t n : { 0, -1, 513, 1 << 20, INT32_MAX, INT32_MIN }) {
        CHECK_STATUS(LLATTE_INVALID_ARGUMENT, llatte_context_set_threads(context.get(), n, 1, &error()));
        CHECK_STATUS(LLATTE_INVALID_ARGUMENT, llatte_context_set_threads(context.get(), 1, n, &error()));
    }
    CHECK_OK(llatte_context_set_threads(context.get(), 6, 6, &error()));
    fixture::check_usable(context);
}

CASE(logits_of_rows_without_output) {
    auto          context = fixture::context(llama());
    const float * row     = nullptr;
    CHECK_STATUS(LLATTE_INVALID_STATE, llatte_context_logits(context.get(), -1, &row, &error()));
    CHECK_OK(batch(4).decode(context));
    for (int32_t index : { 0, 2, 4, -2, INT32_MAX, INT32_MIN }) {
        CHECK_STATUS(LLATTE_INVALID_ARGUMENT, llatte_context_logits(context.get(), index, &row, &error()));
    }
    CHECK_STATUS(LLATTE_INVALID_ARGUMENT, llatte_context_logits(context.get(), 3, nullptr, &error()));
    CHECK_OK(llatte_context_logits(context.get(), 3, &row, &error()));
    const float * last = nullptr;
    CHECK_OK(llatte_context_logits(context.get(), -1, &last, &error()));
    CHECK(row == last);
    batch silent(4, 4);
    silent.outputs[3] = 0;
    CHECK_OK(silent.decode(context));
    CHECK_STATUS(LLATTE_INVALID_STATE, llatte_context_logits(context.get(), -1, &row, &error()));
}

CASE(embeddings_that_were_not_computed) {
    auto          context = fixture::context(llama());
    const float * row     = nullptr;
    int32_t       length  = 0;
    CHECK_OK(batch(4).decode(context));
    CHECK_STATUS(LLATTE_INVALID_STATE, llatte_context_embeddings(context.get(), -1, &row, &length, &error()));
    CHECK_STATUS(LLATTE_INVALID_STATE, llatte_context_sequence_embeddings(context.get(), 0, &row, &length, &error()));
    // Enabled after the decode: there are none yet.
    CHECK_OK(llatte_context_set_embeddings(context.get(), true, &error()));
    const int32_t late = llatte_context_embeddings(context.get(), -1, &row, &length, &error());
    CHECK(late == LLATTE_INVALID_STATE || late == LLATTE_INVALID_ARGUMENT);
    fixture::check_usable(context);
}

CASE(embeddings_of_rows_and_of_sequences) {
    for (auto pooling : { LLAMA_POOLING_TYPE_NONE, LLAMA_POOLING_TYPE_MEAN, LLAMA_POOLING_TYPE_CLS, LLAMA_POOLING_TYPE_LAST }) {
        auto params         = fixture::context_params();
        params.embeddings   = true;
        params.pooling_type = pooling;
        auto          context = fixture::context(llama(), params);
        const float * row     = nullptr;
        int32_t       length  = 0;
        CHECK_OK(batch(4, 0, 1).decode(context));
        const bool pooled = pooling != LLAMA_POOLING_TYPE_NONE;
        CHECK_STATUS(pooled ? LLATTE_OK : LLATTE_INVALID_STATE, llatte_context_sequence_embeddings(context.get(), 1, &row, &length, &error()));
        if (pooled) {
            CHECK(length == llama_model_n_embd_out(llatte_model_handle(llama().get())));
            std::vector<float> copied(row, row + length);
            CHECK_STATUS(LLATTE_INVALID_STATE, llatte_context_sequence_embeddings(context.get(), 0, &row, &length, &error()));
            CHECK_STATUS(LLATTE_INVALID_ARGUMENT, llatte_context_sequence_embeddings(context.get(), 4, &row, &length, &error()));
        } else {
            CHECK_OK(llatte_context_embeddings(context.get(), 3, &row, &length, &error()));
            std::vector<float> copied(row, row + length);
        }
        CHECK(llatte_context_logits(context.get(), -1, &row, &error()) != LLATTE_INTERNAL);
    }
}

int main(int argc, char ** argv) {
    return fixture::main(argc, argv);
}
