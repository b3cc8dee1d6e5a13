// Pictures and sounds for a model, by libmtmd: what it aborts on is refused before, and what it only logs is told.
#include "gguf_header.h"
#include "handles.h"
#include "media.h"

#include "mtmd-helper.h"

#include <climits>
#include <cstring>
#include <filesystem>
#include <map>

struct llatte_projector {
    mtmd::context_ptr context;
    std::string       marker;
    int32_t           n_embd   = 0;
    bool              poisoned = false; // a computation failed: its buffers are in an unknown state
};

struct llatte_media_prompt {
    const llatte_projector * projector = nullptr;
    mtmd::input_chunks_ptr   chunks;
    int32_t                  n_media = 0;
};

namespace llatte {

namespace {

// libmtmd reads past the end without a word, and computes with what was in the buffer.
void require_whole(const gguf_header & header) {
    std::error_code ignored;
    const auto      bytes = static_cast<int64_t>(std::filesystem::file_size(std::filesystem::u8path(header.path), ignored));
    const auto      first = static_cast<int64_t>(gguf_get_data_offset(header.get()));
    for (int64_t i = 0; i < gguf_get_n_tensors(header.get()); i++) {
        const auto end = first + static_cast<int64_t>(gguf_get_tensor_offset(header.get(), i) + gguf_get_tensor_size(header.get(), i));
        if (end > bytes) {
            fail(LLATTE_LOAD_FAILED, format("%s is truncated: %s ends at byte %lld of %lld", header.path.c_str(), gguf_get_tensor_name(header.get(), i),
                                            static_cast<long long>(end), static_cast<long long>(bytes)),
                 end, bytes);
        }
    }
}

void require_heads(const gguf_header & header, const std::string & prefix) {
    header.bound(prefix + "embedding_length", 1, 1 << 16);
    header.bound(prefix + "attention.head_count", 1, 1 << 10);
    header.bound(prefix + "attention.head_count_kv", 1, 1 << 10);
    header.bound(prefix + "attention.head_dim", 1, 1 << 12);
    header.bound(prefix + "feed_forward_length", 0, 1 << 20);
    header.bound(prefix + "block_count", 0, 1 << 10);
    // A compute thread asserts on what is not at least 0.
    const auto epsilon = header.number(prefix + "attention.layer_norm_epsilon");
    if (epsilon && !(*epsilon >= 0 && *epsilon <= 1)) {
        header.refuse(format("%sattention.layer_norm_epsilon is %g, and must be from 0 to 1", prefix.c_str(), *epsilon));
    }
    const auto width = header.integer(prefix + "embedding_length");
    const auto heads = header.integer(prefix + "attention.head_count");
    if (width && heads && *width % *heads != 0) {
        header.refuse(format("an embedding of %lld in %lld heads", static_cast<long long>(*width), static_cast<long long>(*heads)));
    }
}

// Positions beyond the table are looked up on a compute thread, where an assertion ends the process.
void require_positions(const gguf_header & header) {
    static const char * const by_lookup[] = { "mlp", "mlp_norm", "ldp", "ldpv2", "adapter" };
    std::string               type        = header.text("clip.projector_type");
    if (type.empty()) {
        type = header.text("clip.vision.projector_type");
    }
    const auto image = header.integer("clip.vision.image_size");
    const auto patch = header.integer("clip.vision.patch_size");
    if (!image || !patch) {
        return;
    }
    if (*image > 0 && *patch > *image) {
        header.refuse(format("patches of %lld pixels in a picture of %lld", static_cast<long long>(*patch), static_cast<long long>(*image)));
    }
    for (const char * one : by_lookup) {
        if (type == one) {
            const gguf_shapes tensors(header.path);
            const int64_t     wanted = (*image / *patch) * (*image / *patch) + (tensors.rows("v.class_embd") >= 0);
            const int64_t     rows   = tensors.rows("v.position_embd.weight");
            if (rows < wanted) {
                header.refuse(format("%lld positions for %lld patches", static_cast<long long>(rows), static_cast<long long>(wanted)));
            }
        }
    }
}

void check_projector_file(const std::string & path) {
    const gguf_header header(path);
    if (gguf_find_key(header.get(), "clip.has_vision_encoder") < 0 && gguf_find_key(header.get(), "clip.has_audio_encoder") < 0) {
        header.refuse("it is no projector: it has no clip.has_vision_encoder and no clip.has_audio_encoder");
    }
    header.bound("clip.vision.image_size", 0, 8192);
    header.bound("clip.vision.patch_size", 1, 4096);
    header.bound("clip.vision.projector.scale_factor", 1, 64);
    header.bound("clip.vision.spatial_merge_size", 1, 64);
    header.bound("clip.vision.image_grid_pinpoints", 1, 1 << 16);
    header.bound("clip.audio.num_mel_bins", 1, 4096);
    header.bound("clip.audio.projector.stack_factor", 1, 1024);
    require_heads(header, "clip.vision.");
    require_heads(header, "clip.audio.");
    require_whole(header);
    require_positions(header);
}

mtmd_context_params to_mtmd(const llatte_projector_params & params, const char * marker) {
    require_range("n_threads", params.n_threads, 1, max_threads);
    require_range("image_min_tokens", params.image_min_tokens, -1, 1 << 20);
    require_range("image_max_tokens", params.image_max_tokens, -1, 1 << 20);
    if (params.image_min_tokens == 0 || params.image_max_tokens == 0 ||
        (params.image_max_tokens > 0 && params.image_min_tokens > params.image_max_tokens)) {
        fail(LLATTE_INVALID_ARGUMENT, format("from %d to %d tokens for a picture", params.image_min_tokens, params.image_max_tokens),
             params.image_min_tokens, params.image_max_tokens);
    }
    mtmd_context_params native = mtmd_context_params_default();
    native.use_gpu             = params.use_gpu;
    native.print_timings       = false;
    native.n_threads           = params.n_threads;
    native.media_marker        = marker;
    native.image_min_tokens    = params.image_min_tokens;
    native.image_max_tokens    = params.image_max_tokens;
    return native;
}

// An audio file's length as its header says, so that a forged one is not believed. An MP3 says nothing.
struct sound {
    int64_t frames;
    int64_t rate;
};

uint64_t big_endian(const uint8_t * data, int bytes) {
    uint64_t value = 0;
    for (int i = 0; i < bytes; i++) {
        value = value << 8 | data[i];
    }
    return value;
}

uint32_t little_endian(const uint8_t * data, int bytes) {
    uint32_t value = 0;
    for (int i = bytes - 1; i >= 0; i--) {
        value = value << 8 | data[i];
    }
    return value;
}

[[noreturn]] void no_sound(const char * why, int64_t length) {
    fail(LLATTE_MEDIA_FAILED, format("%lld bytes are no sound: %s", static_cast<long long>(length), why), length);
}

sound read_wav(const uint8_t * data, int64_t length) {
    int64_t rate        = 0;
    int64_t frame_bytes = 0;
    for (int64_t at = 12; at + 8 <= length;) {
        const int64_t size = little_endian(data + at + 4, 4);
        if (at + 8 + size > length) {
            fail(LLATTE_MEDIA_FAILED, format("a truncated WAV: a part of %lld bytes at byte %lld of %lld", static_cast<long long>(size),
                                             static_cast<long long>(at), static_cast<long long>(length)),
                 at + 8 + size, length);
        }
        if (memcmp(data + at, "fmt ", 4) == 0 && size >= 16) {
            const uint32_t kind = little_endian(data + at + 8, 2);
            if (kind != 1 && kind != 3 && kind != 0xfffe) {
                no_sound("a WAV that is compressed", length);
            }
            rate        = little_endian(data + at + 12, 4);
            frame_bytes = little_endian(data + at + 20, 2);
        } else if (memcmp(data + at, "data", 4) == 0) {
            return { frame_bytes == 0 ? 0 : size / frame_bytes, rate };
        }
        at += 8 + size + (size & 1);
    }
    no_sound("a WAV without data", length);
}

sound read_flac(const uint8_t * data, int64_t length) {
    if (length < 42 || (data[4] & 0x7f) != 0) {
        no_sound("a FLAC without a stream's description", length);
    }
    const uint64_t packed = big_endian(data + 18, 8);
    const auto     frames = static_cast<int64_t>(packed & 0xfffffffffULL);
    if (frames == 0) {
        no_sound("a FLAC that does not say its length", length);
    }
    return { frames, static_cast<int64_t>(packed >> 44) };
}

void check_sound(const uint8_t * data, int64_t length, int32_t max_seconds) {
    sound header{ 0, 0 };
    if (length >= 12 && memcmp(data, "RIFF", 4) == 0 && memcmp(data + 8, "WAVE", 4) == 0) {
        header = read_wav(data, length);
    } else if (length >= 4 && memcmp(data, "fLaC", 4) == 0) {
        header = read_flac(data, length);
    } else if (length >= 12 && (memcmp(data, "ID3", 3) == 0 || (data[0] == 0xff && (data[1] & 0xe0) == 0xe0))) {
        return;
    } else {
        no_sound("neither WAV, MP3 nor FLAC", length);
    }
    if (header.frames < 2 || header.rate < 1000 || header.rate > 768000) {
        fail(LLATTE_MEDIA_FAILED, format("a sound of %lld samples at %lld Hz", static_cast<long long>(header.frames),
                                         static_cast<long long>(header.rate)),
             header.frames);
    }
    if (header.frames / header.rate > max_seconds) {
        fail(LLATTE_MEDIA_FAILED, format("a sound of %lld seconds, and %d are the most", static_cast<long long>(header.frames / header.rate),
                                         max_seconds),
             header.frames / header.rate, max_seconds);
    }
}

const mtmd_input_chunk * chunk_at(const llatte_media_prompt * prompt, int32_t index) {
    require_not_null(prompt, "prompt");
    require_range("index", index, 0, static_cast<int64_t>(mtmd_input_chunks_size(prompt->chunks.get())) - 1);
    return mtmd_input_chunks_get(prompt->chunks.get(), index);
}

void require_usable(const llatte_projector * projector) {
    require_not_null(projector, "projector");
    if (projector->poisoned) {
        fail(LLATTE_POISONED, "an earlier failure left this projector unusable");
    }
}

int32_t count_of(const std::string & text, const std::string & part) {
    int32_t count = 0;
    for (size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + part.size())) {
        count++;
    }
    return count;
}

} // namespace

} // namespace llatte

using llatte::guarded;

int32_t llatte_projector_load(llatte_model * model, const char * path, const llatte_projector_params * params, const char * marker,
                              llatte_projector ** out, llatte_error * error) {
    return guarded(error, [&] {
        llatte::require_not_null(model, "model");
        llatte::require_not_null(path, "path");
        llatte::require_not_null(params, "params");
        llatte::require_not_null(marker, "marker");
        llatte::require_not_null(out, "out");
        if (*marker == '\0') {
            llatte::fail(LLATTE_INVALID_ARGUMENT, "the marker is empty");
        }
        const auto native = llatte::to_mtmd(*params, marker);
        if (model->vocab_only) {
            llatte::fail(LLATTE_INVALID_STATE, "the model was loaded without its weights");
        }
        if (model->n_positions_a_row > 1) {
            llatte::fail(LLATTE_LOAD_FAILED,
                         llatte::format("%s: the model has %d positions for each token (M-RoPE), and pictures are evaluated for models with one", path,
                                        model->n_positions_a_row),
                         model->n_positions_a_row, 1);
        }
        llatte::check_projector_file(path);
        auto projector    = std::make_unique<llatte_projector>();
        projector->marker = marker;
        projector->n_embd = llama_model_n_embd_inp(model->handle);
        projector->context.reset(mtmd_init_from_file(path, model->handle, native));
        if (!projector->context) {
            const bool memory = llatte::logged_errors().find("failed to allocate") != std::string::npos;
            llatte::fail(memory ? LLATTE_OUT_OF_MEMORY : LLATTE_LOAD_FAILED, std::string(path) + " cannot be loaded" + llatte::because());
        }
        *out = projector.release();
    });
}

void llatte_projector_free(llatte_projector * projector) {
    if (projector != nullptr) {
        guarded(nullptr, [&] { projector->context.reset(); });
        delete projector;
        llatte::return_free_memory();
    }
}

int32_t llatte_projector_get_info(const llatte_projector * projector, llatte_projector_info * out, llatte_error * error) {
    return guarded(error, [&] {
        llatte::require_not_null(projector, "projector");
        llatte::require_not_null(out, "out");
        out->vision      = mtmd_support_vision(projector->context.get());
        out->audio       = mtmd_support_audio(projector->context.get());
        out->non_causal  = out->vision && mtmd_decode_use_non_causal(projector->context.get(), nullptr);
        out->sample_rate = mtmd_get_audio_sample_rate(projector->context.get());
        out->n_embd      = projector->n_embd;
    });
}

int32_t llatte_projector_plan(const char * path, const llatte_projector_params * params, llatte_memory_entry * entries, int32_t capacity,
                              int32_t * count, llatte_error * error) {
    return guarded(error, [&] {
        llatte::require_not_null(path, "path");
        llatte::require_not_null(params, "params");
        llatte::require_not_null(count, "count");
        llatte::check_projector_file(path);
        const auto bytes = mtmd_get_memory_usage(path, llatte::to_mtmd(*params, mtmd_default_marker()));
        if (bytes.empty()) {
            llatte::fail(LLATTE_LOAD_FAILED, std::string(path) + " cannot be planned" + llatte::because());
        }
        *count = static_cast<int32_t>(bytes.size());
        if (*count > capacity) {
            llatte::fail(LLATTE_BUFFER_TOO_SMALL, llatte::format("%d devices", *count), *count, capacity);
        }
        llatte::require_not_null(entries, "entries");
        for (const auto & [device, size] : bytes) {
            *entries            = {};
            const bool  host    = ggml_backend_dev_type(device) == GGML_BACKEND_DEVICE_TYPE_CPU;
            const char * name   = host ? "CPU" : ggml_backend_dev_name(device);
            strncpy(entries->buffer_type, ggml_backend_buft_name(ggml_backend_dev_buffer_type(device)), sizeof(entries->buffer_type) - 1);
            strncpy(entries->device, name, sizeof(entries->device) - 1);
            entries->model_bytes = static_cast<int64_t>(size);
            entries++;
        }
    });
}

int32_t llatte_media_from_audio(const llatte_projector * projector, const uint8_t * data, int64_t length, int32_t max_seconds, llatte_media ** out,
                                llatte_error * error) {
    return guarded(error, [&] {
        llatte::require_not_null(projector, "projector");
        llatte::require_not_null(data, "data");
        llatte::require_range("length", length, 1, INT_MAX);
        llatte::require_range("max_seconds", max_seconds, 1, 36000);
        llatte::require_not_null(out, "out");
        const int32_t rate = mtmd_get_audio_sample_rate(projector->context.get());
        if (rate <= 0) {
            llatte::fail(LLATTE_MEDIA_FAILED, "the projector does not hear");
        }
        llatte::check_sound(data, length, max_seconds);
        mtmd::bitmap_ptr bitmap(mtmd_helper_bitmap_init_from_buf(projector->context.get(), data, length, false, mtmd_helper_init_opt_default()).bitmap);
        if (!bitmap || !mtmd_bitmap_is_audio(bitmap.get()) || mtmd_bitmap_get_nx(bitmap.get()) < 2) {
            llatte::no_sound("it cannot be decoded", length);
        }
        const int64_t seconds = mtmd_bitmap_get_nx(bitmap.get()) / rate;
        if (seconds > max_seconds) {
            llatte::fail(LLATTE_MEDIA_FAILED, llatte::format("a sound of %lld seconds, and %d are the most", static_cast<long long>(seconds), max_seconds),
                         seconds, max_seconds);
        }
        *out = new llatte_media{ std::move(bitmap) };
    });
}

int32_t llatte_media_prompt_create(const llatte_projector * projector, const char * text, int64_t text_length, bool add_special,
                                   llatte_media * const * media, int32_t n_media, llatte_media_prompt ** out, llatte_error * error) {
    return guarded(error, [&] {
        llatte::require_usable(projector);
        llatte::require_not_null(text, "text");
        llatte::require_range("text_length", text_length, 0, INT_MAX);
        llatte::require_range("n_media", n_media, 0, 1024);
        llatte::require_not_null(out, "out");
        if (n_media > 0) {
            llatte::require_not_null(media, "media");
        }
        const std::string copy(text, text_length);
        const int32_t     markers = llatte::count_of(copy, projector->marker);
        if (markers != n_media) {
            llatte::fail(LLATTE_INVALID_ARGUMENT, llatte::format("%d markers in a text, for %d pictures and sounds", markers, n_media), markers, n_media);
        }
        std::vector<const mtmd_bitmap *> bitmaps;
        for (int32_t i = 0; i < n_media; i++) {
            llatte::require_not_null(media[i], "a picture or sound");
            const bool audio = mtmd_bitmap_is_audio(media[i]->bitmap.get());
            if (audio ? !mtmd_support_audio(projector->context.get()) : !mtmd_support_vision(projector->context.get())) {
                llatte::fail(LLATTE_MEDIA_FAILED, audio ? "the projector does not hear" : "the projector does not see", i);
            }
            // Chunks are told apart by it.
            mtmd_bitmap_set_id(media[i]->bitmap.get(), std::to_string(i).c_str());
            bitmaps.push_back(media[i]->bitmap.get());
        }
        auto prompt       = std::make_unique<llatte_media_prompt>();
        prompt->projector = projector;
        prompt->n_media   = n_media;
        prompt->chunks.reset(mtmd_input_chunks_init());
        const mtmd_input_text input{ copy.data(), copy.size(), add_special, true };
        if (mtmd_tokenize(projector->context.get(), prompt->chunks.get(), &input, bitmaps.data(), bitmaps.size()) != 0) {
            llatte::fail(LLATTE_MEDIA_FAILED, "the pictures and sounds cannot be prepared" + llatte::because(), n_media);
        }
        for (size_t i = 0; i < mtmd_input_chunks_size(prompt->chunks.get()); i++) {
            const auto * chunk = mtmd_input_chunks_get(prompt->chunks.get(), i);
            const auto   n     = static_cast<int64_t>(mtmd_input_chunk_get_n_tokens(chunk));
            if (n < 1 || n > INT_MAX / 4 || mtmd_input_chunk_get_n_pos(chunk) != n) {
                llatte::fail(LLATTE_MEDIA_FAILED, llatte::format("a part of %lld tokens at %d positions", static_cast<long long>(n),
                                                                 mtmd_input_chunk_get_n_pos(chunk)),
                             n);
            }
        }
        *out = prompt.release();
    });
}

void llatte_media_prompt_free(llatte_media_prompt * prompt) {
    delete prompt;
}

int32_t llatte_media_prompt_size(const llatte_media_prompt * prompt, int32_t * chunks, llatte_error * error) {
    return guarded(error, [&] {
        llatte::require_not_null(prompt, "prompt");
        llatte::require_not_null(chunks, "chunks");
        *chunks = static_cast<int32_t>(mtmd_input_chunks_size(prompt->chunks.get()));
    });
}

int32_t llatte_media_prompt_chunk(const llatte_media_prompt * prompt, int32_t index, llatte_chunk * out, llatte_error * error) {
    return guarded(error, [&] {
        llatte::require_not_null(out, "out");
        const auto * chunk = llatte::chunk_at(prompt, index);
        size_t       count = 0;
        *out               = {};
        out->kind          = mtmd_input_chunk_get_type(chunk);
        out->n_tokens      = static_cast<int32_t>(mtmd_input_chunk_get_n_tokens(chunk));
        out->tokens        = mtmd_input_chunk_get_tokens_text(chunk, &count);
        out->media         = out->kind == LLATTE_CHUNK_TEXT ? -1 : std::stoi(mtmd_input_chunk_get_id(chunk));
        out->non_causal    = out->kind != LLATTE_CHUNK_TEXT && mtmd_decode_use_non_causal(prompt->projector->context.get(), chunk);
    });
}

int32_t llatte_projector_encode(llatte_projector * projector, const llatte_media_prompt * prompt, int32_t index, float * embeddings, int64_t capacity,
                                llatte_error * error) {
    return guarded(error, [&] {
        llatte::require_usable(projector);
        const auto * chunk = llatte::chunk_at(prompt, index);
        if (prompt->projector != projector) {
            llatte::fail(LLATTE_INVALID_ARGUMENT, "the prompt is of another projector");
        }
        if (mtmd_input_chunk_get_type(chunk) == MTMD_INPUT_CHUNK_TYPE_TEXT) {
            llatte::fail(LLATTE_INVALID_ARGUMENT, llatte::format("part %d is text", index), index);
        }
        const int64_t floats = static_cast<int64_t>(mtmd_input_chunk_get_n_tokens(chunk)) * projector->n_embd;
        if (capacity < floats) {
            llatte::fail(LLATTE_BUFFER_TOO_SMALL, llatte::format("%lld numbers", static_cast<long long>(floats)), floats, capacity);
        }
        llatte::require_not_null(embeddings, "embeddings");
        projector->poisoned = true; // until it has ended well
        if (mtmd_encode_chunk(projector->context.get(), chunk) != 0) {
            llatte::fail(LLATTE_DECODE_FAILED, llatte::format("part %d cannot be computed", index) + llatte::because(), index);
        }
        projector->poisoned = false;
        memcpy(embeddings, mtmd_get_output_embd(projector->context.get()), floats * sizeof(float));
    });
}
