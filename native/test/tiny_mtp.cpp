// Gives a tiny model layers for multi-token prediction, which llama.cpp's own generator does not write: IN OUT [knowing].
//
// The added block is a copy of the last one behind a random projection: its drafts are mostly wrong. With `knowing` no block adds anything to what
// passes through it, so that the next token depends on the last one alone, and the projection passes that one on: its drafts are always right.
#include "ggml.h"
#include "gguf.h"

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <functional>
#include <random>
#include <string>
#include <vector>

namespace {

uint32_t number(const gguf_context * gguf, const std::string & key) {
    return gguf_get_val_u32(gguf, gguf_find_key(gguf, key.c_str()));
}

ggml_tensor * add(gguf_context * gguf, ggml_context * data, const std::string & name, std::vector<int64_t> shape,
                  const std::function<float(int64_t)> & value) {
    ggml_tensor * tensor = ggml_new_tensor(data, GGML_TYPE_F32, static_cast<int>(shape.size()), shape.data());
    ggml_set_name(tensor, name.c_str());
    for (int64_t i = 0; i < ggml_nelements(tensor); i++) {
        static_cast<float *>(tensor->data)[i] = value(i);
    }
    gguf_add_tensor(gguf, tensor);
    return tensor;
}

bool adds_to_the_stream(const std::string & name) {
    return name.find("attn_output.weight") != std::string::npos || name.find("ffn_down") != std::string::npos ||
           name.find("ssm_out.weight") != std::string::npos;
}

} // namespace

int main(int argc, char ** argv) {
    if (argc < 3) {
        fprintf(stderr, "usage: %s IN OUT [knowing]\n", argv[0]);
        return 2;
    }
    const bool       knowing = argc > 3 && strcmp(argv[3], "knowing") == 0;
    ggml_context *   read_data = nullptr;
    gguf_init_params read_params{};
    read_params.ctx     = &read_data;
    gguf_context * read = gguf_init_from_file(argv[1], read_params);
    if (read == nullptr) {
        return 1;
    }
    const std::string arch    = gguf_get_val_str(read, gguf_find_key(read, "general.architecture"));
    const uint32_t    n_layer = number(read, arch + ".block_count");
    const int64_t     n_embd  = number(read, arch + ".embedding_length");

    gguf_context * gguf = gguf_init_empty();
    gguf_set_kv(gguf, read);
    gguf_set_val_u32(gguf, (arch + ".block_count").c_str(), n_layer + 1);
    gguf_set_val_u32(gguf, (arch + ".nextn_predict_layers").c_str(), 1);
    if (arch == "glm4moe") {
        // Its MTP layers know plain positions only.
        const uint32_t none[4] = {};
        gguf_set_arr_data(gguf, (arch + ".rope.dimension_sections").c_str(), GGUF_TYPE_UINT32, none, 4);
    }
    const std::string recurrent = arch + ".attention.recurrent_layers";
    const int64_t     key       = gguf_find_key(read, recurrent.c_str());
    if (key >= 0 && gguf_get_kv_type(read, key) == GGUF_TYPE_ARRAY) {
        const auto *          layers = static_cast<const uint32_t *>(gguf_get_arr_data(read, key));
        std::vector<uint32_t> longer(layers, layers + n_layer);
        longer.push_back(0);
        gguf_set_arr_data(gguf, recurrent.c_str(), GGUF_TYPE_UINT32, longer.data(), longer.size());
    }

    ggml_init_params data_params{};
    data_params.mem_size = size_t(64) << 20;
    ggml_context *    data    = ggml_init(data_params);
    const std::string last    = "blk." + std::to_string(n_layer - 1) + ".";
    const std::string added   = "blk." + std::to_string(n_layer) + ".";
    for (int64_t i = 0; i < gguf_get_n_tensors(read); i++) {
        ggml_tensor *     tensor = ggml_get_tensor(read_data, gguf_get_tensor_name(read, i));
        const std::string name   = tensor->name;
        if (knowing && adds_to_the_stream(name)) {
            memset(tensor->data, 0, ggml_nbytes(tensor));
        }
        gguf_add_tensor(gguf, tensor);
        // Its scales are for quantised models, and counted where the layers are skipped.
        if (name.rfind(last, 0) == 0 && name.find("scale") == std::string::npos) {
            ggml_tensor * copy = ggml_dup_tensor(data, tensor);
            ggml_set_name(copy, (added + name.substr(last.size())).c_str());
            memcpy(copy->data, tensor->data, ggml_nbytes(tensor));
            gguf_add_tensor(gguf, copy);
        }
    }
    std::mt19937                    random(42);
    std::normal_distribution<float> normal(0, 0.1f);
    const auto                      one = [](int64_t) { return 1.0f; };
    // The first half of a row takes the token, the second what the model made of the one before.
    add(gguf, data, added + "nextn.eh_proj.weight", { 2 * n_embd, n_embd }, [&](int64_t i) {
        return knowing ? (i % (2 * n_embd) == i / (2 * n_embd) ? 1.0f : 0.0f) : normal(random);
    });
    add(gguf, data, added + "nextn.enorm.weight", { n_embd }, one);
    add(gguf, data, added + "nextn.hnorm.weight", { n_embd }, one);

    const bool written = gguf_write_to_file(gguf, argv[2], false);
    gguf_free(gguf);
    gguf_free(read);
    ggml_free(data);
    ggml_free(read_data);
    return written ? 0 : 1;
}
