// llama.cpp's own account of device memory, of what exists and of what does not yet.
#include "gguf_header.h"
#include "handles.h"

#include "ggml-backend.h"
#include "llama-ext.h"
#include "llama-model.h"

#include <cstring>
#include <memory>
#include <string>
#include <vector>

#if defined(__GLIBC__)
#include <malloc.h>
#endif

namespace llatte {

// glibc keeps what is freed, in an arena for each thread that ever loaded: a vocabulary's hundred thousands of strings, and every buffer below
// its growing mmap threshold. Whoever exchanges models would hold two after a while.
void return_free_memory() {
#if defined(__GLIBC__)
    malloc_trim(0);
#endif
}

namespace {

struct model_deleter {
    void operator()(llama_model * model) const { llama_model_free(model); }
};

struct context_deleter {
    void operator()(llama_context * context) const { llama_free(context); }
};

void copy_name(char (&target)[64], const char * name) {
    strncpy(target, name == nullptr ? "" : name, sizeof(target) - 1);
    target[sizeof(target) - 1] = '\0';
}

const char * device_of(ggml_backend_buffer_type_t type) {
    ggml_backend_dev_t device = ggml_backend_buft_get_device(type);
    // Pinned memory belongs to a GPU's backend and lies in the host.
    if (device == nullptr || ggml_backend_buft_is_host(type)) {
        return "CPU";
    }
    return ggml_backend_dev_name(device);
}

void write_breakdown(const llama_memory_breakdown & breakdown, llatte_memory_entry * entries, int32_t capacity, int32_t * count) {
    *count = static_cast<int32_t>(breakdown.size());
    if (*count > capacity) {
        fail(LLATTE_BUFFER_TOO_SMALL, format("%d buffer types", *count), *count, capacity);
    }
    if (*count > 0) {
        require_not_null(entries, "entries");
    }
    int32_t i = 0;
    for (const auto & [type, bytes] : breakdown) {
        llatte_memory_entry & entry = entries[i++];
        copy_name(entry.buffer_type, ggml_backend_buft_name(type));
        copy_name(entry.device, device_of(type));
        entry.model_bytes   = static_cast<int64_t>(bytes.model);
        entry.context_bytes = static_cast<int64_t>(bytes.context);
        entry.compute_bytes = static_cast<int64_t>(bytes.compute);
    }
}

// Vulkan's pinned host memory takes a tensor's alignment more for each buffer (ggml_backend_vk_host_buffer_type_alloc_buffer), which shows only
// when it is allocated.
void add_pinned_padding(llama_memory_breakdown & breakdown) {
    constexpr size_t padding = 32;
    for (auto & [type, bytes] : breakdown) {
        if (strcmp(ggml_backend_buft_name(type), "Vulkan_Host") == 0) {
            for (size_t * kind : { &bytes.model, &bytes.context, &bytes.compute }) {
                *kind += *kind == 0 ? 0 : padding;
            }
        }
    }
}

// The smallest context there is: llama.cpp gives a breakdown for contexts only.
llama_context_params smallest_context() {
    llama_context_params params = llama_context_default_params();
    params.n_ctx     = 256;
    params.n_batch   = 1;
    params.n_ubatch  = 1;
    params.n_seq_max = 1;
    return params;
}

llama_model_kv_override text_override(const std::string & key, const char * value) {
    llama_model_kv_override entry = {};
    entry.tag                     = LLAMA_KV_OVERRIDE_TYPE_STR;
    strncpy(entry.key, key.c_str(), sizeof(entry.key) - 1);
    strncpy(entry.val_str, value, sizeof(entry.val_str) - 1);
    return entry;
}

llama_model_kv_override number_override(const std::string & key, int64_t value) {
    llama_model_kv_override entry = {};
    entry.tag                     = LLAMA_KV_OVERRIDE_TYPE_INT;
    strncpy(entry.key, key.c_str(), sizeof(entry.key) - 1);
    entry.val_i64 = value;
    return entry;
}

// A plan needs to know how many tokens there are, not which: reading a large vocabulary is nearly all of a plan's time. Empty where the file
// has no vocabulary.
std::vector<llama_model_kv_override> without_vocabulary(const gguf_header & header) {
    const int64_t     tokens = gguf_find_key(header.get(), "tokenizer.ggml.tokens");
    if (tokens < 0 || gguf_get_kv_type(header.get(), tokens) != GGUF_TYPE_ARRAY) {
        return {};
    }
    return {
        text_override("tokenizer.ggml.model", "none"),
        number_override(header.text("general.architecture") + ".vocab_size", static_cast<int64_t>(gguf_get_arr_n(header.get(), tokens))),
        llama_model_kv_override{},
    };
}

} // namespace

void write_entries(const buffer_bytes & bytes, llatte_memory_entry * entries, int32_t capacity, int32_t * count) {
    require_not_null(count, "count");
    llama_memory_breakdown breakdown;
    for (const auto & [type, size] : bytes) {
        breakdown[type].model = size;
    }
    write_breakdown(breakdown, entries, capacity, count);
}

} // namespace llatte

int32_t llatte_model_memory(const llatte_model * model, llatte_memory_entry * entries, int32_t capacity, int32_t * count,
                            llatte_error * error) {
    return llatte::guarded(error, [&] {
        llatte::require_not_null(model, "model");
        llatte::require_not_null(count, "count");
        llama_memory_breakdown breakdown;
        for (const auto & [type, bytes] : model->handle->memory_breakdown()) {
            breakdown[type].model = bytes;
        }
        llatte::write_breakdown(breakdown, entries, capacity, count);
    });
}

int32_t llatte_context_memory(llatte_context * context, llatte_memory_entry * entries, int32_t capacity, int32_t * count,
                              llatte_error * error) {
    return llatte::guarded_context(context, error, [&] {
        llatte::require_not_null(count, "count");
        llatte::write_breakdown(llama_get_memory_breakdown(context->handle), entries, capacity, count);
    });
}

int32_t llatte_memory_plan(const char * path, const llama_model_params * model_params, const llama_context_params * context_params,
                           llatte_memory_entry * entries, int32_t capacity, int32_t * count, llatte_error * error) {
    const int32_t status = llatte::guarded(error, [&] {
        llatte::require_not_null(path, "path");
        llatte::require_not_null(model_params, "model_params");
        llatte::require_not_null(count, "count");
        llatte::check_model_params(*model_params);
        if (model_params->vocab_only) {
            llatte::fail(LLATTE_INVALID_ARGUMENT, "a model without weights has no plan");
        }
        const auto overrides           = llatte::without_vocabulary(llatte::check_model_file(path, false));
        llama_model_params unallocated = *model_params;
        unallocated.no_alloc           = true;
        unallocated.load_mode          = LLAMA_LOAD_MODE_NONE;
        unallocated.kv_overrides       = overrides.empty() ? nullptr : overrides.data();
        std::unique_ptr<llama_model, llatte::model_deleter> model(llama_model_load_from_file(path, unallocated));
        if (model == nullptr) {
            llatte::load_failure(path);
        }
        llatte_model view;
        view.handle = model.get();
        view.mtp    = model_params->load_mtp;
        llama_context_params wanted = context_params == nullptr ? llatte::smallest_context() : *context_params;
        llatte::check_context_params(&view, wanted);
        std::unique_ptr<llama_context, llatte::context_deleter> context(llama_init_from_model(model.get(), wanted));
        if (context == nullptr) {
            llatte::context_failure();
        }
        llama_memory_breakdown breakdown = llama_get_memory_breakdown(context.get());
        if (context_params == nullptr) {
            for (auto & [type, bytes] : breakdown) {
                bytes.context = 0;
                bytes.compute = 0;
            }
        }
        llatte::add_pinned_padding(breakdown);
        llatte::write_breakdown(breakdown, entries, capacity, count);
    });
    llatte::return_free_memory();
    return status;
}
