// What a context's parameters can ask for, and memory accounting.
#include "fixture.h"

#include <cmath>

using check::error;
using fixture::try_context;

namespace {

const fixture::model_ptr & llama() {
    static fixture::model_ptr model = fixture::load(fixture::model_path("llama-dense"));
    return model;
}

template <typename Change>
int32_t created(Change && change) {
    auto params = fixture::context_params();
    change(params);
    return try_context(llama(), params);
}

template <typename Enum>
Enum unknown(int value) {
    return static_cast<Enum>(value);
}

} // namespace

CASE(init_null_arguments) {
    auto             params  = fixture::context_params();
    llatte_context * context = nullptr;
    CHECK_STATUS(LLATTE_INVALID_ARGUMENT, llatte_context_create(nullptr, &params, nullptr, &context, &error()));
    CHECK_STATUS(LLATTE_INVALID_ARGUMENT, llatte_context_create(llama().get(), nullptr, nullptr, &context, &error()));
    CHECK_STATUS(LLATTE_INVALID_ARGUMENT, llatte_context_create(llama().get(), &params, nullptr, nullptr, &error()));
    llatte_context_free(nullptr);
    CHECK(llatte_context_handle(nullptr) == nullptr);
    llatte_context_default_params(nullptr);
}

CASE(init_n_seq_max_over_n_batch) {
    CHECK_STATUS(LLATTE_INVALID_ARGUMENT, created([](auto & p) { p.n_seq_max = 33; }));
    CHECK_STATUS(LLATTE_INVALID_ARGUMENT, created([](auto & p) { p.n_seq_max = 0; }));
    CHECK_STATUS(LLATTE_INVALID_ARGUMENT, created([](auto & p) { p.n_seq_max = 257, p.n_batch = 512; }));
    CHECK_OK(created([](auto & p) { p.n_seq_max = 32; }));
}

CASE(init_n_outputs_max_under_n_seq_max) {
    CHECK_STATUS(LLATTE_INVALID_ARGUMENT, created([](auto & p) { p.n_outputs_max = 3; }));
    CHECK_OK(created([](auto & p) { p.n_outputs_max = 4; }));
    CHECK(created([](auto & p) { p.n_outputs_max = 1000; }) != LLATTE_INTERNAL);
    CHECK(created([](auto & p) { p.n_outputs_max_per_seq = UINT32_MAX; }) != LLATTE_INTERNAL);
}

CASE(init_batch_sizes) {
    CHECK_STATUS(LLATTE_INVALID_ARGUMENT, created([](auto & p) { p.n_batch = 0; }));
    CHECK_STATUS(LLATTE_INVALID_ARGUMENT, created([](auto & p) { p.n_ubatch = 0; }));
    CHECK_STATUS(LLATTE_INVALID_ARGUMENT, created([](auto & p) { p.n_ubatch = 33; }));
    CHECK_STATUS(LLATTE_INVALID_ARGUMENT, created([](auto & p) { p.n_batch = UINT32_MAX; }));
    CHECK_STATUS(LLATTE_INVALID_ARGUMENT, created([](auto & p) { p.n_ctx = UINT32_MAX; }));
    CHECK_OK(created([](auto & p) { p.n_ctx = 0; })); // the model's
    CHECK_STATUS(LLATTE_INVALID_ARGUMENT, created([](auto & p) { p.n_ctx = 1; })); // under n_seq_max
    CHECK_OK(created([](auto & p) { p.n_ctx = 4; }));
    CHECK_OK(created([](auto & p) { p.n_ctx = 1, p.n_seq_max = 1; }));
}

CASE(init_larger_than_memory) {
    const int32_t status = created([](auto & p) { p.n_ctx = 1u << 27; p.n_seq_max = 1; }); // 512 GiB of cache
    CHECK(status == LLATTE_OUT_OF_MEMORY);
}

CASE(init_unknown_enums) {
    for (int value : { -3, 99, INT32_MAX, INT32_MIN }) {
        CHECK_STATUS(LLATTE_INVALID_ARGUMENT, created([&](auto & p) { p.rope_scaling_type = unknown<llama_rope_scaling_type>(value); }));
        CHECK_STATUS(LLATTE_INVALID_ARGUMENT, created([&](auto & p) { p.pooling_type = unknown<enum llama_pooling_type>(value); }));
        CHECK_STATUS(LLATTE_INVALID_ARGUMENT, created([&](auto & p) { p.attention_type = unknown<llama_attention_type>(value); }));
        CHECK_STATUS(LLATTE_INVALID_ARGUMENT, created([&](auto & p) { p.flash_attn_type = unknown<llama_flash_attn_type>(value); }));
        CHECK_STATUS(LLATTE_INVALID_ARGUMENT, created([&](auto & p) { p.type_k = unknown<ggml_type>(value); }));
        CHECK_STATUS(LLATTE_INVALID_ARGUMENT, created([&](auto & p) { p.type_v = unknown<ggml_type>(value); }));
        CHECK_STATUS(LLATTE_INVALID_ARGUMENT, created([&](auto & p) { p.ctx_type = unknown<decltype(p.ctx_type)>(value); }));
    }
    CHECK_STATUS(LLATTE_INVALID_ARGUMENT, created([](auto & p) { p.type_k = GGML_TYPE_I32; }));
}

CASE(init_absurd_thread_counts) {
    for (int32_t n : { 0, -1, 513, INT32_MAX, INT32_MIN }) {
        CHECK_STATUS(LLATTE_INVALID_ARGUMENT, created([&](auto & p) { p.n_threads = n; }));
        CHECK_STATUS(LLATTE_INVALID_ARGUMENT, created([&](auto & p) { p.n_threads_batch = n; }));
    }
}

CASE(init_numbers_that_are_none) {
    CHECK_STATUS(LLATTE_INVALID_ARGUMENT, created([](auto & p) { p.rope_freq_base = NAN; }));
    CHECK_STATUS(LLATTE_INVALID_ARGUMENT, created([](auto & p) { p.yarn_ext_factor = INFINITY; }));
}

CASE(init_callbacks_are_refused) {
    CHECK_STATUS(LLATTE_INVALID_ARGUMENT, created([](auto & p) { p.abort_callback = [](void *) { return true; }; }));
    CHECK_STATUS(LLATTE_INVALID_ARGUMENT, created([](auto & p) { p.n_samplers = 1; }));
}

// Every combination comes back: made, or refused with a reason; what is made decodes.
CASE(init_every_type_of_cache) {
    for (auto flash : { LLAMA_FLASH_ATTN_TYPE_DISABLED, LLAMA_FLASH_ATTN_TYPE_ENABLED }) {
        for (auto type : { GGML_TYPE_F32, GGML_TYPE_F16, GGML_TYPE_BF16, GGML_TYPE_Q8_0, GGML_TYPE_Q4_0, GGML_TYPE_Q4_1, GGML_TYPE_IQ4_NL,
                           GGML_TYPE_Q5_0, GGML_TYPE_Q5_1 }) {
            auto params            = fixture::context_params();
            params.flash_attn_type = flash;
            params.type_k          = type;
            params.type_v          = type;
            llatte_context * raw   = nullptr;
            const int32_t    made  = llatte_context_create(llama().get(), &params, nullptr, &raw, &error());
            fixture::context_ptr context(raw);
            CHECK(made == LLATTE_OK || made == LLATTE_INVALID_ARGUMENT);
            if (context) {
                fixture::check_usable(context);
                CHECK_OK(fixture::batch(8).decode(context));
                // A shift of a quantised cache runs a graph of its own.
                if (llatte_sequence_shift(context.get(), 0, 0, -1, 5, &error()) == LLATTE_OK) {
                    CHECK_OK(fixture::batch(2, 13).decode(context));
                }
            }
        }
    }
}

CASE(init_kinds_that_the_model_is_not) {
    for (const char * name : { "llama-dense", "llama-moe", "gemma3-dense", "mamba-dense", "falcon-h1-dense", "llada-dense" }) {
        auto model = fixture::load(fixture::model_path(name));
        for (int pooling = LLAMA_POOLING_TYPE_UNSPECIFIED; pooling <= LLAMA_POOLING_TYPE_RANK; pooling++) {
            for (int kind = LLAMA_CONTEXT_TYPE_DEFAULT; kind <= LLAMA_CONTEXT_TYPE_MTP; kind++) {
                for (int seen = LLAMA_ATTENTION_TYPE_UNSPECIFIED; seen <= LLAMA_ATTENTION_TYPE_NON_CAUSAL; seen++) {
                    auto params           = fixture::context_params();
                    params.pooling_type   = static_cast<enum llama_pooling_type>(pooling);
                    params.ctx_type       = static_cast<decltype(params.ctx_type)>(kind);
                    params.attention_type = static_cast<llama_attention_type>(seen);
                    params.embeddings     = pooling > LLAMA_POOLING_TYPE_NONE;
                    llatte_context * raw  = nullptr;
                    llatte_context_create(model.get(), &params, nullptr, &raw, &error()); // any status; it must come back
                    fixture::context_ptr context(raw);
                    if (context) {
                        fixture::batch(8).decode(context);
                    }
                }
            }
        }
    }
}

CASE(init_with_recurrent_snapshots) {
    for (const char * name : { "llama-dense", "mamba-dense", "falcon-h1-dense" }) {
        auto model      = fixture::load(fixture::model_path(name));
        auto params     = fixture::context_params();
        params.n_rs_seq = 4;
        llatte_context * raw = nullptr;
        llatte_context_create(model.get(), &params, nullptr, &raw, &error());
        fixture::context_ptr context(raw);
        if (context) {
            CHECK(fixture::batch(8).decode(context) != LLATTE_INTERNAL);
        }
        params.n_rs_seq = 1000000;
        CHECK_STATUS(LLATTE_INVALID_ARGUMENT, try_context(model, params));
    }
}

CASE(init_of_a_vocabulary_only_model) {
    auto params       = fixture::model_params();
    params.vocab_only = true;
    auto model        = fixture::load(fixture::speaking_model(), params);
    CHECK_STATUS(LLATTE_INVALID_STATE, try_context(model, fixture::context_params()));
}

CASE(memory_of_a_context_is_planned_exactly) {
    for (const char * name : { "llama-dense", "mamba-dense", "gemma3-dense" }) {
        auto                model   = fixture::load(fixture::model_path(name));
        auto                context = fixture::context(model);
        llatte_memory_entry real[16];
        llatte_memory_entry planned[16];
        int32_t             n_real    = 0;
        int32_t             n_planned = 0;
        auto                model_params   = fixture::model_params();
        auto                context_params = fixture::context_params();
        CHECK_OK(llatte_context_memory(context.get(), real, 16, &n_real, &error()));
        CHECK_OK(llatte_memory_plan(fixture::model_path(name).c_str(), &model_params, &context_params, planned, 16, &n_planned, &error()));
        int64_t sums[2][3] = {};
        for (int32_t i = 0; i < n_real; i++) {
            sums[0][0] += real[i].model_bytes, sums[0][1] += real[i].context_bytes, sums[0][2] += real[i].compute_bytes;
        }
        for (int32_t i = 0; i < n_planned; i++) {
            sums[1][0] += planned[i].model_bytes, sums[1][1] += planned[i].context_bytes, sums[1][2] += planned[i].compute_bytes;
        }
        CHECK(sums[0][0] > 0 && sums[0][1] > 0 && sums[0][2] > 0);
        CHECK(sums[0][1] == sums[1][1] && sums[0][2] == sums[1][2]);
        CHECK(sums[1][0] > 0);
        CHECK_STATUS(LLATTE_BUFFER_TOO_SMALL, llatte_context_memory(context.get(), real, 0, &n_real, &error()));
        CHECK(n_real == error().requested);
    }
}

CASE(memory_plan_of_what_cannot_be) {
    llatte_memory_entry entries[16];
    int32_t             count          = 0;
    auto                model_params   = fixture::model_params();
    auto                context_params = fixture::context_params();
    const std::string   path           = fixture::model_path("llama-dense");
    CHECK_OK(llatte_memory_plan(path.c_str(), &model_params, nullptr, entries, 16, &count, &error()));
    CHECK_STATUS(LLATTE_LOAD_FAILED, llatte_memory_plan("/nowhere.gguf", &model_params, nullptr, entries, 16, &count, &error()));
    CHECK_STATUS(LLATTE_INVALID_ARGUMENT, llatte_memory_plan(nullptr, &model_params, nullptr, entries, 16, &count, &error()));
    context_params.n_ctx = 1u << 22; // 16 GiB of cache: planned, not allocated
    CHECK_OK(llatte_memory_plan(path.c_str(), &model_params, &context_params, entries, 16, &count, &error()));
    context_params.n_seq_max = 33;
    CHECK_STATUS(LLATTE_INVALID_ARGUMENT, llatte_memory_plan(path.c_str(), &model_params, &context_params, entries, 16, &count, &error()));
    model_params.vocab_only = true;
    CHECK_STATUS(LLATTE_INVALID_ARGUMENT, llatte_memory_plan(path.c_str(), &model_params, nullptr, entries, 16, &count, &error()));
}

CASE(perf_counts_and_null) {
    auto                    context = fixture::context(llama());
    llama_perf_context_data perf{};
    CHECK_OK(llatte_context_perf(context.get(), &perf, &error()));
    CHECK_STATUS(LLATTE_INVALID_ARGUMENT, llatte_context_perf(context.get(), nullptr, &error()));
    CHECK_STATUS(LLATTE_INVALID_ARGUMENT, llatte_context_synchronize(nullptr, &error()));
    CHECK_OK(llatte_context_synchronize(context.get(), &error()));
}

CASE(embedding_info) {
    llatte_embedding_info info{};
    CHECK_OK(llatte_model_embedding_info(llama().get(), &info, &error()));
    CHECK(info.length == 256 && info.rank_outputs == 0 && info.causal && info.logits);
    CHECK_STATUS(LLATTE_INVALID_ARGUMENT, llatte_model_embedding_info(nullptr, &info, &error()));
    CHECK_STATUS(LLATTE_INVALID_ARGUMENT, llatte_model_embedding_info(llama().get(), nullptr, &error()));

    const auto llada = fixture::load(fixture::model_path("llada-dense"));
    CHECK_OK(llatte_model_embedding_info(llada.get(), &info, &error()));
    CHECK(!info.causal);
}

// It would pool a row of the layers' width, of which llama.cpp reads as many floats as the file has labels.
CASE(init_ranking_without_a_head) {
    CHECK_STATUS(LLATTE_INVALID_ARGUMENT, created([](auto & p) { p.embeddings = true, p.pooling_type = LLAMA_POOLING_TYPE_RANK; }));
    CHECK_OK(created([](auto & p) { p.embeddings = true, p.pooling_type = LLAMA_POOLING_TYPE_MEAN; }));
}

int main(int argc, char ** argv) {
    return fixture::main(argc, argv);
}
