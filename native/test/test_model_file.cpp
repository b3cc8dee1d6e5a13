// Files that are no model, or one that would end the process.
#include "fixture.h"

#include <cstring>
#include <fstream>
#include <sys/stat.h>

using check::error;
using fixture::edited_model;
using fixture::model_path;
using fixture::try_load;

namespace {

std::string written(const std::string & name, const std::string & bytes) {
    const std::string path = fixture::where().scratch + "/" + name;
    std::ofstream(path, std::ios::binary) << bytes;
    return path;
}

std::string bytes_of(const std::string & path) {
    std::ifstream in(path, std::ios::binary);
    return { std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>() };
}

template <typename Edit>
int32_t loaded(const char * source, Edit && edit) {
    return try_load(edited_model(model_path(source), "edited", edit));
}

// Sets a key of the model's architecture, whatever it is.
void set(gguf_context * gguf, const char * key, uint32_t value) {
    const std::string arch = gguf_get_val_str(gguf, gguf_find_key(gguf, "general.architecture"));
    gguf_set_val_u32(gguf, (arch + "." + key).c_str(), value);
}

} // namespace

CASE(null_paths) {
    auto           params = fixture::model_params();
    llatte_model * model  = nullptr;
    gguf_context * gguf   = nullptr;
    CHECK_STATUS(LLATTE_INVALID_ARGUMENT, llatte_model_load(nullptr, &params, nullptr, &model, &error()));
    CHECK_STATUS(LLATTE_INVALID_ARGUMENT, llatte_model_load("a", nullptr, nullptr, &model, &error()));
    CHECK_STATUS(LLATTE_INVALID_ARGUMENT, llatte_model_load("a", &params, nullptr, nullptr, &error()));
    CHECK_STATUS(LLATTE_INVALID_ARGUMENT, llatte_model_quantize(nullptr, "a", nullptr, &error()));
    CHECK_STATUS(LLATTE_INVALID_ARGUMENT, llatte_model_quantize("a", nullptr, nullptr, &error()));
    CHECK_STATUS(LLATTE_INVALID_ARGUMENT, llatte_gguf_open(nullptr, &gguf, &error()));
    CHECK_STATUS(LLATTE_INVALID_ARGUMENT, llatte_gguf_open("a", nullptr, &error()));
    llatte_model_free(nullptr);
    llatte_gguf_free(nullptr);
    CHECK(llatte_model_handle(nullptr) == nullptr);
}

CASE(files_that_are_not_there_or_no_gguf) {
    const std::string whole = bytes_of(model_path("llama-dense"));
    for (const std::string & path : { std::string(""), std::string("/nowhere/model.gguf"), fixture::where().scratch, std::string("/dev/zero"),
                                      written("empty", ""), written("four", "GGUF"), written("text", "this is no model at all"),
                                      written("zeros", std::string(4096, '\0')), written("head", whole.substr(0, 24)),
                                      written("cut-in-header", whole.substr(0, 1500)), written("cut-in-data", whole.substr(0, whole.size() / 2)),
                                      written("cut-at-the-end", whole.substr(0, whole.size() - 64)) }) {
        CHECK_STATUS(LLATTE_LOAD_FAILED, try_load(path));
        CHECK(std::string(error().message).find(path) != std::string::npos);
    }
}

CASE(block_count_0) {
    for (const char * source : { "llama-dense", "mamba-dense", "gemma3-dense", "llama-moe" }) {
        for (uint32_t value : { 0u, 0x7fffffffu, 0xffffffffu, 513u }) {
            CHECK_STATUS(LLATTE_LOAD_FAILED, loaded(source, [&](gguf_context * g) { set(g, "block_count", value); }));
        }
    }
}

CASE(odd_expert_counts) {
    for (uint32_t used : { 0u, 3u, 5u, 1000u, 0xffffffffu }) {
        const int32_t status = loaded("llama-moe", [&](gguf_context * g) { set(g, "expert_used_count", used); });
        CHECK(status == LLATTE_LOAD_FAILED || status == LLATTE_OK);
    }
    for (uint32_t count : { 0u, 1u, 3u, 1025u, 0xffffffffu }) {
        const int32_t status = loaded("llama-moe", [&](gguf_context * g) { set(g, "expert_count", count); });
        CHECK(status == LLATTE_LOAD_FAILED || status == LLATTE_OK);
    }
    CHECK_STATUS(LLATTE_LOAD_FAILED, loaded("llama-dense", [&](gguf_context * g) { set(g, "expert_used_count", 2); }));
}

CASE(duplicate_tokens) {
    CHECK_STATUS(LLATTE_LOAD_FAILED, loaded("llama-dense", [](gguf_context * g) {
                     auto tokens = fixture::vocabulary();
                     tokens[90]  = tokens[40];
                     fixture::set_vocabulary(g, tokens);
                 }));
    CHECK(std::string(error().message).find("twice") != std::string::npos);
}

CASE(an_empty_vocabulary) {
    CHECK_STATUS(LLATTE_LOAD_FAILED, loaded("llama-dense", [](gguf_context * g) { fixture::set_vocabulary(g, {}); }));
}

CASE(a_vocabulary_of_another_size) {
    for (size_t size : { size_t(3), size_t(127), size_t(129) }) {
        const int32_t status = loaded("llama-dense", [&](gguf_context * g) {
            auto tokens = fixture::vocabulary();
            tokens.push_back("<one more>");
            tokens.resize(size);
            fixture::set_vocabulary(g, tokens);
        });
        CHECK(status == LLATTE_LOAD_FAILED || status == LLATTE_OK);
    }
}

CASE(gguf_wrong_types) {
    auto fails_with = [](const char * key, auto && change) {
        const int32_t status = try_load(edited_model(fixture::speaking_model(), "edited", [&](gguf_context * g) { change(g, key); }));
        CHECK(status == LLATTE_LOAD_FAILED || status == LLATTE_OK);
    };
    const float    floats[] = { 1.0f, 2.0f };
    const uint64_t longs[]  = { 1, 2 };
    const char *   texts[]  = { "a", "b" };
    for (const char * key : { "general.architecture", "llama.block_count", "llama.embedding_length", "llama.attention.head_count",
                              "llama.attention.head_count_kv", "llama.feed_forward_length", "llama.rope.dimension_count", "llama.rope.freq_base",
                              "llama.attention.layer_norm_rms_epsilon", "llama.vocab_size", "tokenizer.ggml.model", "tokenizer.ggml.tokens",
                              "tokenizer.ggml.scores", "tokenizer.ggml.token_type", "tokenizer.ggml.bos_token_id", "tokenizer.ggml.merges",
                              "tokenizer.ggml.add_bos_token", "tokenizer.chat_template", "general.file_type", "general.quantization_version",
                              "split.count", "general.alignment", "tokenizer.ggml.precompiled_charsmap", "tokenizer.ggml.pre" }) {
        if (strcmp(key, "general.alignment") != 0) { // the writer itself refuses another type
            fails_with(key, [](gguf_context * g, const char * k) { gguf_set_val_str(g, k, "text"); });
            fails_with(key, [](gguf_context * g, const char * k) { gguf_set_val_f32(g, k, 1.5f); });
            fails_with(key, [](gguf_context * g, const char * k) { gguf_set_val_bool(g, k, true); });
            fails_with(key, [](gguf_context * g, const char * k) { gguf_set_val_i64(g, k, -1); });
            fails_with(key, [&](gguf_context * g, const char * k) { gguf_set_arr_data(g, k, GGUF_TYPE_FLOAT32, floats, 2); });
            fails_with(key, [&](gguf_context * g, const char * k) { gguf_set_arr_data(g, k, GGUF_TYPE_UINT64, longs, 2); });
            fails_with(key, [&](gguf_context * g, const char * k) { gguf_set_arr_str(g, k, texts, 2); });
            fails_with(key, [&](gguf_context * g, const char * k) { gguf_set_arr_str(g, k, texts, 0); });
        }
        fails_with(key, [](gguf_context * g, const char * k) { gguf_remove_key(g, k); });
    }
}

CASE(special_token_ids_out_of_range) {
    for (const char * key : { "bos", "eos", "unknown", "padding", "eot", "seperator", "mask", "fim_pre" }) {
        for (uint32_t id : { 128u, 0x7fffffffu, 0x80000000u, 0xffffffffu }) {
            const std::string path = edited_model(fixture::speaking_model(), "edited", [&](gguf_context * g) {
                gguf_set_val_u32(g, ("tokenizer.ggml." + std::string(key) + "_token_id").c_str(), id);
                gguf_set_val_bool(g, "tokenizer.ggml.add_bos_token", true);
                gguf_set_val_bool(g, "tokenizer.ggml.add_eos_token", true);
            });
            llatte_model * raw    = nullptr;
            auto           params = fixture::model_params();
            const int32_t  status = llatte_model_load(path.c_str(), &params, nullptr, &raw, &error());
            fixture::model_ptr model(raw);
            CHECK(status == LLATTE_OK || status == LLATTE_LOAD_FAILED);
            if (model) {
                int32_t tokens[64];
                int32_t count = 0;
                CHECK(llatte_vocab_tokenize(raw, "hello", 5, tokens, 64, true, true, &count, &error()) != LLATTE_INTERNAL);
                llatte_template * tmpl = nullptr;
                llatte_template_create(raw, "{{ bos_token }}", nullptr, nullptr, &tmpl, &error());
                llatte_template_free(tmpl);
            }
        }
    }
}

CASE(parameters_that_are_wrong) {
    const std::string path    = model_path("llama-dense");
    auto              refused = [&](auto && change) {
        auto params = fixture::model_params();
        change(params);
        CHECK_STATUS(LLATTE_INVALID_ARGUMENT, try_load(path, params));
    };
    const llama_model_kv_override overrides[2] = {};
    std::vector<float>            split(llama_max_devices(), 0.0f);
    split[0] = -1.0f;
    refused([](auto & p) { p.n_gpu_layers = -5; });
    refused([](auto & p) { p.split_mode = static_cast<llama_split_mode>(99); });
    refused([](auto & p) { p.load_mode = static_cast<decltype(p.load_mode)>(99); });
    refused([](auto & p) { p.lazy_mode = static_cast<decltype(p.lazy_mode)>(-9); });
    refused([](auto & p) { p.main_gpu = -1; });
    refused([](auto & p) { p.main_gpu = 99; });
    refused([](auto & p) { p.progress_callback = [](float, void *) { return true; }; });
    refused([&](auto & p) { p.kv_overrides = overrides; });
    refused([&](auto & p) { p.tensor_split = split.data(); });
}

CASE(every_way_of_loading_gives_the_same_model) {
    std::vector<float> first;
    for (int mode = LLAMA_LOAD_MODE_AUTO; mode <= LLAMA_LOAD_MODE_DIRECT_IO; mode++) {
        auto params      = fixture::model_params();
        params.load_mode = static_cast<decltype(params.load_mode)>(mode);
        auto model       = fixture::load(model_path("llama-dense"), params);
        auto context     = fixture::context(model);
        CHECK_OK(fixture::batch(4).decode(context));
        const auto logits = fixture::logits(context, model);
        if (first.empty()) {
            first = logits;
        }
        CHECK(logits == first);
    }
}

CASE(a_cancelled_load) {
    auto           params = fixture::model_params();
    llatte_model * model  = nullptr;
    llatte_control control{ 1, 0 };
    CHECK_STATUS(LLATTE_CANCELLED, llatte_model_load(model_path("llama-dense").c_str(), &params, &control, &model, &error()));
    CHECK(model == nullptr);
    control.cancel = 0;
    CHECK_OK(llatte_model_load(model_path("llama-dense").c_str(), &params, &control, &model, &error()));
    CHECK(control.progress == 1.0f);
    llatte_model_free(model);
}

CASE(quantising_what_cannot_be) {
    const std::string out    = fixture::where().scratch + "/quantised.gguf";
    const std::string in     = model_path("llama-dense");
    auto              params = llama_model_quantize_default_params();
    params.nthread           = 2;
    params.ftype             = LLAMA_FTYPE_MOSTLY_Q8_0;
    CHECK_OK(llatte_model_quantize(in.c_str(), out.c_str(), &params, &error()));
    CHECK_OK(try_load(out));
    CHECK_STATUS(LLATTE_INVALID_ARGUMENT, llatte_model_quantize(out.c_str(), out.c_str(), &params, &error()));
    CHECK_STATUS(LLATTE_LOAD_FAILED, llatte_model_quantize("/nowhere.gguf", out.c_str(), &params, &error()));
    CHECK(llatte_model_quantize(in.c_str(), "/nowhere/out.gguf", &params, &error()) == LLATTE_IO_FAILED);
    for (int ftype = -1; ftype <= LLAMA_FTYPE_MOSTLY_Q2_0 + 1; ftype++) {
        params.ftype         = static_cast<llama_ftype>(ftype);
        const int32_t status = llatte_model_quantize(in.c_str(), out.c_str(), &params, &error());
        CHECK(status == LLATTE_OK || status == LLATTE_INVALID_ARGUMENT || status == LLATTE_LOAD_FAILED || status == LLATTE_INTERNAL);
    }
    params.ftype = LLAMA_FTYPE_GUESSED;
    CHECK(llatte_model_quantize(in.c_str(), out.c_str(), &params, &error()) != LLATTE_OK);
    params.ftype   = LLAMA_FTYPE_MOSTLY_Q8_0;
    params.nthread = -1;
    CHECK_STATUS(LLATTE_INVALID_ARGUMENT, llatte_model_quantize(in.c_str(), out.c_str(), &params, &error()));
}

CASE(a_header_is_opened_without_its_tensors) {
    gguf_context * gguf = nullptr;
    CHECK_OK(llatte_gguf_open(model_path("llama-dense").c_str(), &gguf, &error()));
    CHECK(gguf_find_key(gguf, "llama.block_count") >= 0);
    llatte_gguf_free(gguf);
    gguf = nullptr;
    CHECK_STATUS(LLATTE_LOAD_FAILED, llatte_gguf_open("/nowhere", &gguf, &error()));
    CHECK_STATUS(LLATTE_LOAD_FAILED, llatte_gguf_open("/dev/zero", &gguf, &error()));
    CHECK_STATUS(LLATTE_LOAD_FAILED, llatte_gguf_open(written("not", "nothing").c_str(), &gguf, &error()));
    CHECK(gguf == nullptr);
}

int main(int argc, char ** argv) {
    return fixture::main(argc, argv);
}
