// Start-up: callbacks, backends, the version and the layout of shared structs.
#include "capture_log.h"
#include "guard.h"

#include "ggml-backend.h"

#include <cstddef>
#include <cstdlib>
#include <mutex>
#include <string>
#include <sys/stat.h>

#if defined(__GLIBC__)
#include <malloc.h>
#endif

namespace llatte {

std::string & backend_directory() {
    static std::string * directory = new std::string;
    return *directory;
}

namespace {

// Throws where a guard will catch it. Elsewhere (a compute thread, a caller that bypassed the shim) it returns, and ggml aborts.
void on_abort(const char * message) {
    if (guard_scope::active()) {
        throw assertion_failure(message);
    }
    fprintf(stderr, "%s\n", message);
}

void set_environment_default(const char * name, const char * value) {
#if defined(_WIN32)
    if (getenv(name) == nullptr) {
        _putenv_s(name, value);
    }
#else
    setenv(name, value, 0);
#endif
}

// glibc moves its thresholds up with what is freed, to 32 and 64 MiB: KV caches and compute buffers then come from the heap of whichever thread
// loads, and up to 64 MiB at the top of each thread's heap stay there, where malloc_trim does not reach. Set by hand, they stand still. What is
// taken for each token must be below: a row of 4-byte numbers over the largest vocabularies is 1 MiB.
void keep_heaps_small() {
#if defined(__GLIBC__)
    const char * tunables = getenv("GLIBC_TUNABLES");
    const bool   tuned    = getenv("MALLOC_MMAP_THRESHOLD_") != nullptr || getenv("MALLOC_TRIM_THRESHOLD_") != nullptr ||
                       (tunables != nullptr && std::string(tunables).find("glibc.malloc.") != std::string::npos);
    if (!tuned) {
        mallopt(M_MMAP_THRESHOLD, 3 << 19);
        mallopt(M_TRIM_THRESHOLD, 2 << 20);
    }
#endif
}

void initialise(const char * backend_dir) {
    struct stat info;
    if (stat(backend_dir, &info) != 0 || (info.st_mode & S_IFMT) != S_IFDIR) {
        fail(LLATTE_BACKEND_UNAVAILABLE, format("%s is no folder", backend_dir));
    }
    set_environment_default("GGML_NO_BACKTRACE", "1");
    keep_heaps_small();
    capture_log();
    ggml_set_abort_callback(on_abort);
    // Before llama_backend_init: that would search the folder of the executable and the working directory.
    ggml_backend_load_all_from_path(backend_dir);
    if (ggml_backend_dev_by_type(GGML_BACKEND_DEVICE_TYPE_CPU) == nullptr) {
        fail(LLATTE_BACKEND_UNAVAILABLE, format("%s holds no CPU backend for this processor", backend_dir));
    }
    backend_directory() = backend_dir;
    llama_backend_init();
}

class layout {
public:
    void add_struct(const char * name, size_t size) {
        prefix = name;
        text += prefix + " " + std::to_string(size) + "\n";
    }
    void add_field(const char * name, size_t offset, size_t size) {
        text += prefix + "." + name + " " + std::to_string(offset) + " " + std::to_string(size) + "\n";
    }

    std::string text;

private:
    std::string prefix;
};

#define STRUCT(type) using current = type; l.add_struct(#type, sizeof(type))
#define FIELD(name) l.add_field(#name, offsetof(current, name), sizeof(current::name))

void describe_llama(layout & l) {
    {
        STRUCT(ggml_init_params);
        FIELD(mem_size); FIELD(mem_buffer); FIELD(no_alloc);
    }
    {
        STRUCT(llama_model_params);
        FIELD(devices); FIELD(tensor_buft_overrides); FIELD(n_gpu_layers); FIELD(split_mode); FIELD(load_mode); FIELD(lazy_mode);
        FIELD(main_gpu); FIELD(tensor_split); FIELD(progress_callback); FIELD(progress_callback_user_data); FIELD(kv_overrides);
        FIELD(vocab_only); FIELD(check_tensors); FIELD(use_extra_bufts); FIELD(no_host); FIELD(no_alloc); FIELD(load_mtp);
    }
    {
        STRUCT(llama_context_params);
        FIELD(n_ctx); FIELD(n_batch); FIELD(n_ubatch); FIELD(n_seq_max); FIELD(n_rs_seq); FIELD(n_outputs_max);
        FIELD(n_outputs_max_per_seq); FIELD(n_threads); FIELD(n_threads_batch); FIELD(ctx_type); FIELD(rope_scaling_type);
        FIELD(pooling_type); FIELD(attention_type); FIELD(flash_attn_type); FIELD(rope_freq_base); FIELD(rope_freq_scale);
        FIELD(yarn_ext_factor); FIELD(yarn_attn_factor); FIELD(yarn_beta_fast); FIELD(yarn_beta_slow); FIELD(yarn_orig_ctx);
        FIELD(defrag_thold); FIELD(cb_eval); FIELD(cb_eval_user_data); FIELD(type_k); FIELD(type_v); FIELD(abort_callback);
        FIELD(abort_callback_data); FIELD(embeddings); FIELD(offload_kqv); FIELD(no_perf); FIELD(op_offload); FIELD(swa_full);
        FIELD(kv_unified); FIELD(samplers); FIELD(n_samplers); FIELD(ctx_other);
    }
    {
        STRUCT(llama_model_quantize_params);
        FIELD(nthread); FIELD(ftype); FIELD(output_tensor_type); FIELD(token_embedding_type); FIELD(allow_requantize);
        FIELD(quantize_output_tensor); FIELD(only_copy); FIELD(pure); FIELD(keep_split); FIELD(dry_run); FIELD(imatrix);
        FIELD(kv_overrides); FIELD(tt_overrides); FIELD(prune_layers); FIELD(max_buf_size);
    }
    {
        STRUCT(llama_logit_bias);
        FIELD(token); FIELD(bias);
    }
    {
        STRUCT(llama_model_kv_override);
        FIELD(tag); FIELD(key);
    }
    {
        STRUCT(llama_perf_context_data);
        FIELD(t_start_ms); FIELD(t_load_ms); FIELD(t_p_eval_ms); FIELD(t_eval_ms); FIELD(n_p_eval); FIELD(n_eval); FIELD(n_reused);
    }
}

void describe_llatte(layout & l) {
    {
        STRUCT(llatte_error);
        FIELD(requested); FIELD(available); FIELD(status); FIELD(message);
    }
    {
        STRUCT(llatte_text);
        FIELD(data); FIELD(length);
    }
    {
        STRUCT(llatte_control);
        FIELD(cancel); FIELD(progress);
    }
    {
        STRUCT(llatte_logprobs);
        FIELD(wanted); FIELD(count); FIELD(chosen); FIELD(ids); FIELD(logprobs);
    }
    {
        STRUCT(llatte_embedding_info);
        FIELD(pooling); FIELD(length); FIELD(rank_outputs); FIELD(n_positions); FIELD(causal); FIELD(logits);
    }
    {
        STRUCT(llatte_memory_entry);
        FIELD(buffer_type); FIELD(device); FIELD(model_bytes); FIELD(context_bytes); FIELD(compute_bytes);
    }
    {
        STRUCT(llatte_projector_params);
        FIELD(use_gpu); FIELD(n_threads); FIELD(image_min_tokens); FIELD(image_max_tokens);
    }
    {
        STRUCT(llatte_projector_info);
        FIELD(vision); FIELD(audio); FIELD(non_causal); FIELD(sample_rate); FIELD(n_embd);
    }
    {
        STRUCT(llatte_chunk);
        FIELD(kind); FIELD(n_tokens); FIELD(media); FIELD(non_causal); FIELD(tokens);
    }
}

#undef STRUCT
#undef FIELD

} // namespace

} // namespace llatte

int32_t llatte_init(const char * backend_dir, llatte_error * error) {
    static std::mutex mutex;
    static bool       done = false;
    return llatte::guarded(error, [&] {
        llatte::require_not_null(backend_dir, "backend_dir");
        std::lock_guard<std::mutex> lock(mutex);
        if (!done) {
            llatte::initialise(backend_dir);
            done = true;
        }
    });
}

const char * llatte_version(void) {
    return LLATTE_VERSION;
}

int32_t llatte_abi_describe(llatte_text * out, llatte_error * error) {
    return llatte::guarded(error, [&] {
        llatte::layout layout;
        llatte::describe_llama(layout);
        llatte::describe_llatte(layout);
        llatte::assign(out, layout.text);
    });
}
