// Writes a projector of random weights for a tiny model: mlp|gemma3|qwen2a MODEL OUT SEED. The first two see 16 patches or tokens, the last hears.
#include "ggml.h"
#include "gguf.h"

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <random>
#include <string>
#include <vector>

namespace {

constexpr int64_t width  = 32;
constexpr int64_t hidden = 64;
constexpr int64_t patch  = 8;
constexpr int64_t layers = 2;

struct writer {
    gguf_context * gguf = gguf_init_empty();
    ggml_context * data = ggml_init({ size_t(16) << 20, nullptr, false });
    std::mt19937   random;

    explicit writer(uint32_t seed) : random(seed) {}
    ~writer() {
        gguf_free(gguf);
        ggml_free(data);
    }

    void add(const std::string & name, const std::vector<int64_t> & shape, float centre = 0) {
        ggml_tensor * tensor = ggml_new_tensor(data, GGML_TYPE_F32, static_cast<int>(shape.size()), shape.data());
        ggml_set_name(tensor, name.c_str());
        std::normal_distribution<float> normal(centre, 0.2f);
        for (int64_t i = 0; i < ggml_nelements(tensor); i++) {
            static_cast<float *>(tensor->data)[i] = normal(random);
        }
        gguf_add_tensor(gguf, tensor);
    }

    // llama.cpp's convolutions want half floats.
    void add_half(const std::string & name, const std::vector<int64_t> & shape) {
        ggml_tensor * tensor = ggml_new_tensor(data, GGML_TYPE_F16, static_cast<int>(shape.size()), shape.data());
        ggml_set_name(tensor, name.c_str());
        std::normal_distribution<float> normal(0, 0.1f);
        for (int64_t i = 0; i < ggml_nelements(tensor); i++) {
            static_cast<ggml_fp16_t *>(tensor->data)[i] = ggml_fp32_to_fp16(normal(random));
        }
        gguf_add_tensor(gguf, tensor);
    }

    void add_norm(const std::string & name) {
        add(name + ".weight", { width }, 1);
        add(name + ".bias", { width });
    }
};

// The encoder's layers; that of sounds has no bias for its keys.
void add_layers(writer & out, const std::string & prefix, bool key_bias) {
    for (int64_t i = 0; i < layers; i++) {
        const std::string block = prefix + ".blk." + std::to_string(i) + ".";
        for (const std::string name : { "attn_q", "attn_k", "attn_v", "attn_out" }) {
            out.add(block + name + ".weight", { width, width });
            if (name != "attn_k" || key_bias) {
                out.add(block + name + ".bias", { width });
            }
        }
        out.add_norm(block + "ln1");
        out.add_norm(block + "ln2");
        out.add(block + "ffn_up.weight", { width, hidden });
        out.add(block + "ffn_up.bias", { hidden });
        out.add(block + "ffn_down.weight", { hidden, width });
        out.add(block + "ffn_down.bias", { width });
    }
}

// A Whisper encoder, whose window is 30 s: 1,500 positions, of which a pool leaves 750.
void add_ear(writer & out, int64_t n_embd) {
    constexpr int64_t mel_bins = 80;
    gguf_set_val_str(out.gguf, "general.architecture", "clip");
    gguf_set_val_str(out.gguf, "general.type", "mmproj");
    gguf_set_val_bool(out.gguf, "clip.has_audio_encoder", true);
    gguf_set_val_str(out.gguf, "clip.projector_type", "qwen2a");
    gguf_set_val_bool(out.gguf, "clip.use_gelu", true);
    gguf_set_val_u32(out.gguf, "clip.audio.num_mel_bins", mel_bins);
    gguf_set_val_u32(out.gguf, "clip.audio.embedding_length", width);
    gguf_set_val_u32(out.gguf, "clip.audio.feed_forward_length", hidden);
    gguf_set_val_u32(out.gguf, "clip.audio.projection_dim", static_cast<uint32_t>(n_embd));
    gguf_set_val_u32(out.gguf, "clip.audio.block_count", layers);
    gguf_set_val_u32(out.gguf, "clip.audio.attention.head_count", 2);
    gguf_set_val_f32(out.gguf, "clip.audio.attention.layer_norm_epsilon", 1e-5f);
    out.add_half("a.conv1d.1.weight", { 3, mel_bins, width });
    out.add("a.conv1d.1.bias", { 1, width });
    out.add_half("a.conv1d.2.weight", { 3, width, width });
    out.add("a.conv1d.2.bias", { 1, width });
    out.add("a.position_embd.weight", { width, 1500 });
    out.add_norm("a.post_ln");
    add_layers(out, "a", false);
    out.add("mm.a.fc.weight", { width, n_embd });
    out.add("mm.a.fc.bias", { n_embd });
}

} // namespace

int main(int argc, char ** argv) {
    if (argc != 5) {
        fprintf(stderr, "usage: %s mlp|gemma3|qwen2a MODEL OUT SEED\n", argv[0]);
        return 2;
    }
    const std::string type = argv[1];
    gguf_context *    read = gguf_init_from_file(argv[2], { true, nullptr });
    if (read == nullptr) {
        return 1;
    }
    const std::string arch   = gguf_get_val_str(read, gguf_find_key(read, "general.architecture"));
    const int64_t     n_embd = gguf_get_val_u32(read, gguf_find_key(read, (arch + ".embedding_length").c_str()));
    gguf_free(read);

    const bool  mlp    = type == "mlp";
    const auto  image  = static_cast<uint32_t>(mlp ? 4 * patch : 8 * patch);
    const float half[] = { 0.5f, 0.5f, 0.5f };
    writer      out(static_cast<uint32_t>(atoi(argv[4])));
    if (type == "qwen2a") {
        add_ear(out, n_embd);
        return gguf_write_to_file(out.gguf, argv[3], false) ? 0 : 1;
    }
    gguf_set_val_str(out.gguf, "general.architecture", "clip");
    gguf_set_val_str(out.gguf, "general.type", "mmproj");
    gguf_set_val_bool(out.gguf, "clip.has_vision_encoder", true);
    gguf_set_val_str(out.gguf, "clip.projector_type", type.c_str());
    gguf_set_val_bool(out.gguf, "clip.use_gelu", true);
    gguf_set_val_u32(out.gguf, "clip.vision.image_size", image);
    gguf_set_val_u32(out.gguf, "clip.vision.patch_size", patch);
    gguf_set_val_u32(out.gguf, "clip.vision.embedding_length", width);
    gguf_set_val_u32(out.gguf, "clip.vision.feed_forward_length", hidden);
    gguf_set_val_u32(out.gguf, "clip.vision.projection_dim", static_cast<uint32_t>(n_embd));
    gguf_set_val_u32(out.gguf, "clip.vision.block_count", layers);
    gguf_set_val_u32(out.gguf, "clip.vision.attention.head_count", 2);
    gguf_set_val_f32(out.gguf, "clip.vision.attention.layer_norm_epsilon", 1e-5f);
    gguf_set_val_u32(out.gguf, "clip.vision.projector.scale_factor", 2);
    gguf_set_arr_data(out.gguf, "clip.vision.image_mean", GGUF_TYPE_FLOAT32, half, 3);
    gguf_set_arr_data(out.gguf, "clip.vision.image_std", GGUF_TYPE_FLOAT32, half, 3);

    const int64_t patches = (image / patch) * (image / patch);
    out.add("v.patch_embd.weight", { patch, patch, 3, width });
    if (mlp) {
        out.add("v.class_embd", { width });
        out.add("v.position_embd.weight", { width, patches + 1 });
        out.add_norm("v.pre_ln");
    } else {
        out.add("v.patch_embd.bias", { width });
        out.add("v.position_embd.weight", { width, patches });
        out.add_norm("v.post_ln");
    }
    add_layers(out, "v", true);
    if (mlp) {
        out.add("mm.0.weight", { width, n_embd });
        out.add("mm.0.bias", { n_embd });
        out.add("mm.2.weight", { n_embd, n_embd });
        out.add("mm.2.bias", { n_embd });
    } else {
        out.add("mm.soft_emb_norm.weight", { width }, 1);
        out.add("mm.input_projection.weight", { n_embd, width });
    }
    return gguf_write_to_file(out.gguf, argv[3], false) ? 0 : 1;
}
