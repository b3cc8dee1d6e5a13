// A model's file, checked before llama.cpp reads it: what is refused here would abort, divide by zero or allocate without end there, some
// of it on a compute thread, where nothing can be contained.
#include "gguf_header.h"
#include "handles.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <filesystem>
#include <functional>
#include <string_view>
#include <vector>

namespace llatte {

namespace {

constexpr int64_t max_int     = INT32_MAX;
constexpr int64_t max_layers  = 512; // LLAMA_MAX_LAYERS
constexpr int64_t max_heads   = 65536;
constexpr int64_t max_width   = 1 << 24;
constexpr int64_t max_experts = 1024;

// What a key of the architecture must lie between, where the file has it. Files carry zeros for what they do not use.
struct limit {
    const char * key;
    int64_t      least;
    int64_t      most;
};

constexpr limit limits[] = {
    { "block_count", 1, max_layers },
    { "context_length", 1, max_int },
    { "embedding_length", 1, max_width },
    { "embedding_length_out", 0, max_width },
    { "feed_forward_length", 0, max_width * 8 },
    { "leading_dense_block_count", 0, max_layers },
    { "attention.head_count", 0, max_heads },
    { "attention.head_count_kv", 0, max_heads },
    { "attention.key_length", 0, max_width },
    { "attention.value_length", 0, max_width },
    { "attention.key_length_swa", 0, max_width },
    { "attention.value_length_swa", 0, max_width },
    { "attention.key_length_mla", 0, max_width },
    { "attention.value_length_mla", 0, max_width },
    { "attention.sliding_window", 0, max_int },
    { "rope.dimension_count", 0, max_width },
    { "rope.dimension_count_swa", 0, max_width },
    { "rope.dimension_sections", 0, max_width },
    { "expert_count", 0, max_experts },
    { "expert_used_count", 0, max_experts },
    { "expert_group_count", 0, max_experts },
    { "expert_shared_count", 0, max_experts },
    { "expert_feed_forward_length", 0, max_width * 8 },
    { "ssm.conv_kernel", 0, max_width },
    { "ssm.inner_size", 0, max_width },
    { "ssm.state_size", 0, max_width },
    { "ssm.time_step_rank", 0, max_width },
    { "ssm.group_count", 0, max_width },
    { "posnet.embedding_length", 0, max_width },
    { "posnet.block_count", 0, max_layers },
    { "convnext.embedding_length", 0, max_width },
    { "convnext.block_count", 0, max_layers },
};

// What some architectures divide by, or loop over on a compute thread that asserts that there is something.
struct divisor {
    const char *     key;
    int64_t          least;
    std::string_view architectures; // each between spaces
};

constexpr divisor divisors[] = {
    { "full_attention_interval", 1, " minimax-01 qwen35 qwen35moe qwen3next qwen4exp " },
    { "interleave_moe_layer_step", 1, " ernie4_5-moe " },
    { "experts_per_group", 1, " grovemoe " },
    { "attention.group_norm_groups", 1, " wavtokenizer-dec " },
    { "attention.indexer.block_size", 1, " minimax-m3 " },
    { "attention.output_group_count", 1, " deepseek4 " },
    { "attention.relative_buckets_count", 4, " t5 t5encoder " }, // halved twice
    { "hyper_connection.sinkhorn_iterations", 1, " deepseek4 " },
    { "ple.head_vocab_sizes", 1, " qwen4exp " },
    { "shortconv.l_cache", 1, " lfm2 lfm2moe " },
    { "ssm.time_step_rank", 1, " mamba mamba2 jamba falcon-h1 granitehybrid nemotron_h nemotron_h_moe plamo2 qwen35 qwen35moe qwen3next qwen4exp " },
    { "ssm.group_count", 1, " mamba2 falcon-h1 granitehybrid nemotron_h nemotron_h_moe qwen35 qwen35moe qwen3next qwen4exp " },
    { "wkv.head_size", 1, " rwkv6 rwkv6qwen2 rwkv7 arwkv7 " },
};

// Architectures that rotate in sections whatever these are; others do so only where the sections are not empty.
constexpr std::string_view sectioned_rope = " qwen2vl paddleocr qwen3vl qwen3vlmoe qwen35 qwen35moe qwen4exp qwen3tts ";

bool is_one_of(const std::string & arch, std::string_view architectures) {
    return architectures.find(" " + arch + " ") != std::string_view::npos;
}

void check_experts(const gguf_header & h, const std::string & arch) {
    const int64_t experts = h.integer(arch + ".expert_count").value_or(0);
    // Where a file does not say how wide an expert is, llama.cpp divides the layer's width by the experts that are used.
    const auto widths = h.integers(arch + ".expert_feed_forward_length");
    const bool divided = std::find(widths.begin(), widths.end(), 0) != widths.end() || widths.empty();
    for (int64_t used : h.integers(arch + ".expert_used_count")) {
        if (used > experts || (experts > 0 && used == 0 && divided)) {
            h.refuse(format("%lld of %lld experts are used", static_cast<long long>(used), static_cast<long long>(experts)));
        }
    }
}

// A compute thread asserts that positions rotate an even number of dimensions, of which the head has enough.
void check_rope(const gguf_header & h, const std::string & arch) {
    const auto heads = h.integers(arch + ".attention.head_count");
    if (heads.empty() || heads[0] == 0) {
        return;
    }
    auto check = [&](int64_t rotated, int64_t head) {
        if (rotated > head || rotated % 2 != 0) {
            h.refuse(format("RoPE rotates %lld dimensions of heads that have %lld", static_cast<long long>(rotated), static_cast<long long>(head)));
        }
    };
    const int64_t head = h.integer(arch + ".attention.key_length").value_or(h.integer(arch + ".embedding_length").value_or(0) / heads[0]);
    const auto    rotated = h.integer(arch + ".rope.dimension_count");
    if (rotated) {
        check(*rotated, head);
    }
    const auto window_head    = h.integer(arch + ".attention.key_length_swa");
    const auto window_rotated = h.integer(arch + ".rope.dimension_count_swa");
    if (window_head || window_rotated) {
        check(window_rotated.value_or(rotated.value_or(0)), window_head.value_or(head));
    }
    const auto sections = h.integers(arch + ".rope.dimension_sections");
    if (is_one_of(arch, sectioned_rope) && sections.size() >= 3 && sections[0] + sections[1] + sections[2] == 0) {
        h.refuse("the sections of its RoPE are empty");
    }
}

void check_hyperparameters(const gguf_header & h, const std::string & arch) {
    if (arch == "clip") {
        h.refuse("a multimodal projector, not a language model");
    }
    if (!h.integer(arch + ".block_count")) {
        h.refuse(arch + ".block_count is missing");
    }
    for (const auto & limit : limits) {
        h.bound(arch + "." + limit.key, limit.least, limit.most);
    }
    for (const auto & divisor : divisors) {
        if (is_one_of(arch, divisor.architectures)) {
            h.bound(arch + "." + divisor.key, divisor.least, max_int);
        }
    }
    h.bound(arch + ".nextn_predict_layers", 0, *h.integer(arch + ".block_count"));
    for (int64_t heads : h.integers(arch + ".attention.head_count")) {
        for (int64_t kv_heads : h.integers(arch + ".attention.head_count_kv")) {
            if (kv_heads > heads && heads > 0) {
                h.refuse(format("%lld key-value heads for %lld heads", static_cast<long long>(kv_heads), static_cast<long long>(heads)));
            }
        }
    }
    // Compute threads assert that what is added below a root is not negative.
    for (int64_t i = 0; i < gguf_get_n_kv(h.get()); i++) {
        const std::string_view key     = gguf_get_key(h.get(), i);
        const auto             epsilon = h.number(std::string(key));
        if (epsilon && key.size() > 7 && key.substr(key.size() - 7) == "epsilon" && !(*epsilon >= 0 && std::isfinite(*epsilon))) {
            h.refuse(format("%s is %g", key.data(), *epsilon));
        }
    }
    check_experts(h, arch);
    check_rope(h, arch);
}

// Whether all tokens differ, but for empty ones. Open addressing over their numbers: a quarter of a set of strings' time, and a file is checked
// for each plan and each load.
void check_distinct(const gguf_header & h, int64_t tokens, size_t count) {
    size_t slots = 1;
    while (slots < 2 * count) {
        slots *= 2;
    }
    constexpr uint32_t    free_slot = UINT32_MAX;
    std::vector<uint32_t> table(slots, free_slot);
    for (size_t i = 0; i < count; i++) {
        const std::string_view token = gguf_get_arr_str(h.get(), tokens, i);
        if (token.empty()) {
            continue;
        }
        size_t slot = std::hash<std::string_view>{}(token) & (slots - 1);
        for (; table[slot] != free_slot; slot = (slot + 1) & (slots - 1)) {
            if (token == gguf_get_arr_str(h.get(), tokens, table[slot])) {
                h.refuse(format("the vocabulary has the token \"%s\" twice, the second time as %zu", token.data(), i));
            }
        }
        table[slot] = static_cast<uint32_t>(i);
    }
}

void check_vocabulary(const gguf_header & h) {
    gguf_context * gguf   = h.get();
    const int64_t  tokens = gguf_find_key(gguf, "tokenizer.ggml.tokens");
    if (tokens < 0) {
        return;
    }
    if (gguf_get_kv_type(gguf, tokens) != GGUF_TYPE_ARRAY || gguf_get_arr_type(gguf, tokens) != GGUF_TYPE_STRING) {
        h.refuse("tokenizer.ggml.tokens is no list of texts");
    }
    const size_t count = gguf_get_arr_n(gguf, tokens);
    if (count == 0 || count > static_cast<size_t>(max_int)) {
        h.refuse(format("the vocabulary has %zu tokens", count));
    }
    check_distinct(h, tokens, count);
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
            if (!id || (*id > max_int && *id != UINT32_MAX)) {
                h.refuse(key + " is no token id");
            }
        }
    }
}

bool ends_with(std::string_view text, std::string_view end) {
    return text.size() >= end.size() && text.substr(text.size() - end.size()) == end;
}

// Types that llama.cpp's compute threads can multiply by. For another one they call a null pointer.
bool is_weight_type(ggml_type type) {
    switch (type) {
        case GGML_TYPE_F32:
        case GGML_TYPE_F16:
        case GGML_TYPE_BF16:
            return true;
        case GGML_TYPE_Q8_1: // for intermediate results only
        case GGML_TYPE_Q8_K:
            return false;
        default:
            return ggml_is_quantized(type);
    }
}

// What is added to, or multiplied with, element by element, or read as plain floats: compute threads abort on any other type.
bool is_float_operand(std::string_view name) {
    for (std::string_view end : { "norm.weight", ".bias", ".scale", ".ssm_a", ".ssm_d", ".ssm_conv1d.weight", ".shortconv.conv.weight" }) {
        if (ends_with(name, end)) {
            return true;
        }
    }
    return false;
}

// Tables of ids.
bool is_integer_table(std::string_view name) {
    return name.find("tid2eid") != std::string_view::npos || name == "d2t";
}

void check_tensors(const gguf_header & h) {
    gguf_context * gguf = h.get();
    std::error_code ignored;
    const uint64_t  file_size = std::filesystem::file_size(std::filesystem::u8path(h.path), ignored);
    const uint64_t  data      = gguf_get_data_offset(gguf);
    for (int64_t i = 0; i < gguf_get_n_tensors(gguf); i++) {
        const char *    name  = gguf_get_tensor_name(gguf, i);
        const int64_t * shape = gguf_get_tensor_ne(gguf, i);
        for (int d = 0; d < GGML_MAX_DIMS; d++) {
            if (shape[d] <= 0) {
                h.refuse(format("tensor %s has a dimension of %lld", name, static_cast<long long>(shape[d])));
            }
        }
        const ggml_type type = gguf_get_tensor_type(gguf, i);
        if (is_integer_table(name) ? type != GGML_TYPE_I32 && type != GGML_TYPE_I64
                                   : !is_weight_type(type) || (is_float_operand(name) && type != GGML_TYPE_F32)) {
            h.refuse(format("tensor %s has type %s, which llama.cpp cannot compute it with", name, ggml_type_name(type)));
        }
        const uint64_t end = data + gguf_get_tensor_offset(gguf, i) + gguf_get_tensor_size(gguf, i);
        if (end > file_size || end < data) {
            h.refuse(format("tensor %s ends at byte %llu of a file of %llu", name, static_cast<unsigned long long>(end),
                            static_cast<unsigned long long>(file_size)));
        }
    }
}

// The other files of a model that is split over several; llama.cpp knows them by their names.
void check_splits(const gguf_header & first) {
    const int64_t count = first.integer("split.count").value_or(0);
    char          prefix[4096];
    if (count <= 1 || llama_split_prefix(prefix, sizeof(prefix), first.path.c_str(), 0, static_cast<int32_t>(count)) <= 0) {
        return;
    }
    for (int32_t i = 1; i < count; i++) {
        char path[4096];
        llama_split_path(path, sizeof(path), prefix, i, static_cast<int32_t>(count));
        check_tensors(gguf_header(path));
    }
}

} // namespace

gguf_header check_model_file(const std::string & path, bool vocab_only) {
    gguf_header h(path);
    const std::string arch = h.text("general.architecture");
    if (arch.empty()) {
        h.refuse("general.architecture is missing");
    }
    check_vocabulary(h);
    if (!vocab_only) {
        check_hyperparameters(h, arch);
        check_tensors(h);
        check_splits(h);
    }
    return h;
}

} // namespace llatte
