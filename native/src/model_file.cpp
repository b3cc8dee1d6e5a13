// A GGUF's header, checked before llama.cpp reads it: what is refused here would abort, divide by zero or allocate without end there.
#include "handles.h"

#include <cmath>
#include <cstring>
#include <filesystem>
#include <limits>
#include <memory>
#include <optional>
#include <string_view>
#include <unordered_set>

namespace llatte {

namespace {

constexpr uint64_t max_layers  = 512;
constexpr uint64_t max_heads   = 65536;
constexpr uint64_t max_width   = 1u << 24;
constexpr uint64_t max_experts = 1024;

struct gguf_deleter {
    void operator()(gguf_context * gguf) const { gguf_free(gguf); }
};
using gguf_ptr = std::unique_ptr<gguf_context, gguf_deleter>;

class header {
public:
    header(const std::string & path, gguf_ptr file) : path(path), gguf(std::move(file)) {}

    [[noreturn]] void refuse(const std::string & why) const { fail(LLATTE_LOAD_FAILED, path + ": " + why); }

    // A scalar integer of any width; absent where there is no such key, or it holds something else.
    std::optional<int64_t> integer(const std::string & key) const {
        const int64_t id = gguf_find_key(gguf.get(), key.c_str());
        if (id < 0) {
            return std::nullopt;
        }
        switch (gguf_get_kv_type(gguf.get(), id)) {
            case GGUF_TYPE_UINT8:  return gguf_get_val_u8(gguf.get(), id);
            case GGUF_TYPE_INT8:   return gguf_get_val_i8(gguf.get(), id);
            case GGUF_TYPE_UINT16: return gguf_get_val_u16(gguf.get(), id);
            case GGUF_TYPE_INT16:  return gguf_get_val_i16(gguf.get(), id);
            case GGUF_TYPE_UINT32: return gguf_get_val_u32(gguf.get(), id);
            case GGUF_TYPE_INT32:  return gguf_get_val_i32(gguf.get(), id);
            case GGUF_TYPE_INT64:  return gguf_get_val_i64(gguf.get(), id);
            case GGUF_TYPE_UINT64: {
                const uint64_t value = gguf_get_val_u64(gguf.get(), id);
                return value > INT64_MAX ? INT64_MAX : static_cast<int64_t>(value);
            }
            default: return std::nullopt;
        }
    }

    std::string text(const char * key) const {
        const int64_t id = gguf_find_key(gguf.get(), key);
        if (id < 0 || gguf_get_kv_type(gguf.get(), id) != GGUF_TYPE_STRING) {
            return "";
        }
        return gguf_get_val_str(gguf.get(), id);
    }

    // The values of a scalar or of an array of 32-bit integers.
    std::vector<int64_t> integers(const std::string & key) const {
        const int64_t id = gguf_find_key(gguf.get(), key.c_str());
        if (id >= 0 && gguf_get_kv_type(gguf.get(), id) == GGUF_TYPE_ARRAY) {
            std::vector<int64_t> values;
            const gguf_type      type = gguf_get_arr_type(gguf.get(), id);
            if (type == GGUF_TYPE_INT32 || type == GGUF_TYPE_UINT32) {
                const auto * data = static_cast<const int32_t *>(gguf_get_arr_data(gguf.get(), id));
                for (size_t i = 0; i < gguf_get_arr_n(gguf.get(), id); i++) {
                    values.push_back(type == GGUF_TYPE_INT32 ? data[i] : static_cast<int64_t>(static_cast<uint32_t>(data[i])));
                }
            }
            return values;
        }
        const auto value = integer(key);
        return value ? std::vector<int64_t>{ *value } : std::vector<int64_t>{};
    }

    void bound(const std::string & key, uint64_t least, uint64_t most) const {
        for (int64_t value : integers(key)) {
            if (value < static_cast<int64_t>(least) || value > static_cast<int64_t>(most)) {
                refuse(format("%s is %lld, and must be from %llu to %llu", key.c_str(), static_cast<long long>(value),
                              static_cast<unsigned long long>(least), static_cast<unsigned long long>(most)));
            }
        }
    }

    gguf_context * get() const { return gguf.get(); }

private:
    std::string path;
    gguf_ptr    gguf;
};

void check_hyperparameters(const header & h, const std::string & arch) {
    const auto layers = h.integer(arch + ".block_count");
    if (!layers) {
        h.refuse(arch + ".block_count is missing");
    }
    h.bound(arch + ".block_count", 1, max_layers);
    h.bound(arch + ".context_length", 1, std::numeric_limits<int32_t>::max());
    h.bound(arch + ".embedding_length", 1, max_width);
    h.bound(arch + ".feed_forward_length", 0, max_width * 8);
    h.bound(arch + ".attention.head_count", 0, max_heads);
    h.bound(arch + ".attention.head_count_kv", 0, max_heads);
    for (const char * key : { "attention.key_length", "attention.value_length", "attention.key_length_swa", "attention.value_length_swa",
                              "attention.key_length_mla", "attention.value_length_mla" }) {
        h.bound(arch + "." + key, 0, max_width);
    }
    h.bound(arch + ".rope.dimension_count", 0, max_width);
    h.bound(arch + ".rope.dimension_count_swa", 0, max_width);
    h.bound(arch + ".attention.sliding_window", 0, std::numeric_limits<int32_t>::max());
    h.bound(arch + ".attention.group_norm_groups", 0, max_width);
    h.bound(arch + ".nextn_predict_layers", 0, static_cast<uint64_t>(*layers));
    h.bound(arch + ".expert_count", 0, max_experts);
    h.bound(arch + ".expert_used_count", 0, max_experts);
    h.bound(arch + ".expert_group_count", 0, max_experts);
    h.bound(arch + ".expert_shared_count", 0, max_experts);
    const int64_t experts = h.integer(arch + ".expert_count").value_or(0);
    for (int64_t used : h.integers(arch + ".expert_used_count")) {
        if (used > experts || (experts > 0 && used == 0)) {
            h.refuse(format("%lld of %lld experts are used", static_cast<long long>(used), static_cast<long long>(experts)));
        }
    }
    for (const char * key : { "ssm.conv_kernel", "ssm.inner_size", "ssm.state_size", "ssm.time_step_rank", "ssm.group_count",
                              "wkv.head_size", "posnet.embedding_length", "posnet.block_count", "convnext.embedding_length",
                              "convnext.block_count" }) {
        h.bound(arch + "." + key, 0, max_width);
    }
    // Where heads share width, every layer divides by its head counts.
    for (int64_t heads : h.integers(arch + ".attention.head_count")) {
        for (int64_t kv_heads : h.integers(arch + ".attention.head_count_kv")) {
            if (kv_heads > heads && heads > 0) {
                h.refuse(format("%lld key-value heads for %lld heads", static_cast<long long>(kv_heads), static_cast<long long>(heads)));
            }
        }
    }
}

void check_vocabulary(const header & h) {
    gguf_context * gguf   = h.get();
    const int64_t  tokens = gguf_find_key(gguf, "tokenizer.ggml.tokens");
    if (tokens < 0) {
        return;
    }
    if (gguf_get_kv_type(gguf, tokens) != GGUF_TYPE_ARRAY || gguf_get_arr_type(gguf, tokens) != GGUF_TYPE_STRING) {
        h.refuse("tokenizer.ggml.tokens is no list of texts");
    }
    const size_t count = gguf_get_arr_n(gguf, tokens);
    if (count == 0 || count > static_cast<size_t>(std::numeric_limits<int32_t>::max())) {
        h.refuse(format("the vocabulary has %zu tokens", count));
    }
    std::unordered_set<std::string_view> seen;
    seen.reserve(count);
    for (size_t i = 0; i < count; i++) {
        const char * token = gguf_get_arr_str(gguf, tokens, i);
        if (!seen.insert(token).second && *token != '\0') {
            h.refuse(format("the vocabulary has the token \"%s\" twice, the second time as %zu", token, i));
        }
    }
    for (const char * key : { "tokenizer.ggml.scores", "tokenizer.ggml.token_type" }) {
        const int64_t id = gguf_find_key(gguf, key);
        if (id < 0) {
            continue;
        }
        if (gguf_get_kv_type(gguf, id) != GGUF_TYPE_ARRAY || gguf_get_arr_n(gguf, id) != count) {
            h.refuse(format("%s does not have one entry for each of the %zu tokens", key, count));
        }
        const gguf_type type = gguf_get_arr_type(gguf, id);
        const bool      fits = strcmp(key, "tokenizer.ggml.scores") == 0 ? type == GGUF_TYPE_FLOAT32 : type == GGUF_TYPE_INT32 || type == GGUF_TYPE_UINT32;
        if (!fits) {
            h.refuse(format("%s has entries of type %s", key, gguf_type_name(type)));
        }
    }
    const int64_t merges = gguf_find_key(gguf, "tokenizer.ggml.merges");
    if (merges >= 0 && (gguf_get_kv_type(gguf, merges) != GGUF_TYPE_ARRAY || gguf_get_arr_type(gguf, merges) != GGUF_TYPE_STRING)) {
        h.refuse("tokenizer.ggml.merges is no list of texts");
    }
    const int64_t charsmap = gguf_find_key(gguf, "tokenizer.ggml.precompiled_charsmap");
    if (charsmap >= 0 && gguf_get_kv_type(gguf, charsmap) != GGUF_TYPE_ARRAY) {
        h.refuse("tokenizer.ggml.precompiled_charsmap is no list");
    }
    for (int64_t i = 0; i < gguf_get_n_kv(gguf); i++) {
        const std::string key = gguf_get_key(gguf, i);
        if (key.rfind("tokenizer.ggml.", 0) == 0 && key.size() > 9 && key.compare(key.size() - 9, 9, "_token_id") == 0) {
            const auto id = h.integer(key);
            // llama.cpp itself ignores ids beyond the vocabulary, except -1 for none.
            if (!id || *id > std::numeric_limits<int32_t>::max()) {
                if (!id || *id != 0xFFFFFFFF) {
                    h.refuse(key + " is no token id");
                }
            }
        }
    }
}

void check_tensors(const header & h, uint64_t file_size) {
    gguf_context * gguf  = h.get();
    const uint64_t data  = gguf_get_data_offset(gguf);
    for (int64_t i = 0; i < gguf_get_n_tensors(gguf); i++) {
        const char *    name  = gguf_get_tensor_name(gguf, i);
        const int64_t * shape = gguf_get_tensor_ne(gguf, i);
        for (int d = 0; d < GGML_MAX_DIMS; d++) {
            if (shape[d] <= 0) {
                h.refuse(format("tensor %s has a dimension of %lld", name, static_cast<long long>(shape[d])));
            }
        }
        const uint64_t end = data + gguf_get_tensor_offset(gguf, i) + gguf_get_tensor_size(gguf, i);
        if (end > file_size || end < data) {
            h.refuse(format("tensor %s ends at byte %llu of a file of %llu", name, static_cast<unsigned long long>(end),
                            static_cast<unsigned long long>(file_size)));
        }
    }
}

} // namespace

void check_model_file(const std::string & path, bool vocab_only) {
    namespace fs = std::filesystem;
    std::error_code ignored;
    const fs::path  file = fs::u8path(path);
    if (!fs::exists(file, ignored)) {
        fail(LLATTE_LOAD_FAILED, path + " does not exist");
    }
    if (!fs::is_regular_file(file, ignored)) {
        fail(LLATTE_LOAD_FAILED, path + " is no file");
    }
    gguf_init_params params{};
    params.no_alloc = true;
    gguf_ptr gguf(gguf_init_from_file(path.c_str(), params));
    if (!gguf) {
        fail(LLATTE_LOAD_FAILED, path + " is no GGUF, or a broken one" + because());
    }
    const header      h(path, std::move(gguf));
    const std::string arch = h.text("general.architecture");
    if (arch.empty()) {
        h.refuse("general.architecture is missing");
    }
    check_vocabulary(h);
    if (!vocab_only) {
        check_hyperparameters(h, arch);
        check_tensors(h, fs::file_size(file, ignored));
    }
}

} // namespace llatte

int32_t llatte_gguf_open(const char * path, gguf_context ** out, llatte_error * error) {
    return llatte::guarded(error, [&] {
        llatte::require_not_null(path, "path");
        llatte::require_not_null(out, "out");
        std::error_code ignored;
        const auto      file = std::filesystem::u8path(path);
        if (!std::filesystem::is_regular_file(file, ignored)) {
            llatte::fail(LLATTE_LOAD_FAILED, std::string(path) + (std::filesystem::exists(file, ignored) ? " is no file" : " does not exist"));
        }
        gguf_init_params params{};
        params.no_alloc     = true;
        gguf_context * gguf = gguf_init_from_file(path, params);
        if (gguf == nullptr) {
            llatte::fail(LLATTE_LOAD_FAILED, std::string(path) + " is no GGUF, or a broken one" + llatte::because());
        }
        *out = gguf;
    });
}

void llatte_gguf_free(gguf_context * gguf) {
    if (gguf != nullptr) {
        gguf_free(gguf);
    }
}
