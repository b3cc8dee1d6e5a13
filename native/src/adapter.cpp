// LoRA adapters and control vectors: what changes a model's layers without touching its weights.
#include "gguf_header.h"
#include "handles.h"

#include "common.h"
#include "ggml-backend.h"
#include "llama-adapter.h"
#include "llama-context.h"
#include "llama-model.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <memory>

struct llatte_adapter {
    const llatte_model *          model  = nullptr;
    llama_adapter_lora *          handle = nullptr;
    std::vector<llatte_context *> users;
};

namespace llatte {

namespace {

constexpr const char * suffix_a = ".lora_a";
constexpr const char * suffix_b = ".lora_b";

bool ends_with(const std::string & text, const char * suffix) {
    const size_t length = strlen(suffix);
    return text.size() >= length && text.compare(text.size() - length, length, suffix) == 0;
}

std::string shape(const ggml_tensor * tensor) {
    return format("%s is %lld x %lld x %lld", tensor->name, static_cast<long long>(tensor->ne[0]), static_cast<long long>(tensor->ne[1]),
                  static_cast<long long>(tensor->ne[2]));
}

bool can_be_multiplied(ggml_type type) {
    return type == GGML_TYPE_F32 || type == GGML_TYPE_F16 || type == GGML_TYPE_BF16 || type == GGML_TYPE_Q8_0;
}

// llama.cpp repacks weights into buffers that hold no adapter: those lie in plain memory then.
ggml_backend_buffer_type_t adapter_buffer_type(const ggml_tensor * base) {
    ggml_backend_buffer_type_t type   = ggml_backend_buffer_get_type(base->buffer);
    ggml_backend_dev_t         cpu    = ggml_backend_dev_by_type(GGML_BACKEND_DEVICE_TYPE_CPU);
    const auto                 extras = reinterpret_cast<ggml_backend_dev_get_extra_bufts_t>(
        ggml_backend_reg_get_proc_address(ggml_backend_dev_backend_reg(cpu), "ggml_backend_dev_get_extra_bufts"));
    for (auto * extra = extras == nullptr ? nullptr : extras(cpu); extra != nullptr && *extra != nullptr; extra++) {
        if (*extra == type) {
            return ggml_backend_dev_buffer_type(cpu);
        }
    }
    return type;
}

void add_bytes(buffer_bytes & bytes, ggml_backend_buffer_type_t type, const ggml_tensor * tensor) {
    const size_t alignment = ggml_backend_buft_get_alignment(type);
    bytes[type] += static_cast<int64_t>(GGML_PAD(ggml_backend_buft_get_alloc_size(type, tensor), alignment));
}

// What an adapter takes by buffer type. Refuses what llama.cpp would find out while it builds a graph, by an assertion.
buffer_bytes check_adapter(const llatte_model * model, const std::string & path) {
    const gguf_header header(path);
    if (header.text("general.type") != "adapter") {
        header.refuse("it is no adapter: its general.type is \"" + header.text("general.type") + "\"");
    }
    if (header.text("adapter.type") != "lora") {
        header.refuse("it is no LoRA: its adapter.type is \"" + header.text("adapter.type") + "\"");
    }
    const int64_t alpha = gguf_find_key(header.get(), "adapter.lora.alpha");
    if (alpha >= 0 && (gguf_get_kv_type(header.get(), alpha) != GGUF_TYPE_FLOAT32 || !std::isfinite(gguf_get_val_f32(header.get(), alpha)))) {
        header.refuse("adapter.lora.alpha is no number");
    }
    char architecture[128] = "";
    llama_model_meta_val_str(model->handle, "general.architecture", architecture, sizeof(architecture));
    if (header.text("general.architecture") != architecture) {
        header.refuse("it is for \"" + header.text("general.architecture") + "\", and the model is \"" + architecture + "\"");
    }
    if (model->vocab_only) {
        header.refuse("the model has no weights");
    }
    const gguf_shapes shapes(path);
    buffer_bytes        bytes;
    for (ggml_tensor * b = ggml_get_first_tensor(shapes.tensors()); b != nullptr; b = ggml_get_next_tensor(shapes.tensors(), b)) {
        const std::string name = b->name;
        if (!ends_with(name, suffix_b)) {
            continue;
        }
        const std::string   base = name.substr(0, name.size() - strlen(suffix_b));
        const ggml_tensor * of   = model->handle->get_tensor(base.c_str());
        const ggml_tensor * a    = ggml_get_tensor(shapes.tensors(), (base + suffix_a).c_str());
        if (of == nullptr || of->buffer == nullptr) {
            header.refuse("the model has no " + base);
        }
        if (a == nullptr) {
            header.refuse(base + " has no " + suffix_a);
        }
        if (!can_be_multiplied(a->type) || !can_be_multiplied(b->type)) {
            header.refuse(format("%s is of a type that nothing multiplies by", base.c_str()));
        }
        // An embedding is looked up and not multiplied: llama.cpp turns its pair around.
        const bool looked_up = ends_with(base, "token_embd.weight");
        const bool fits      = looked_up ? of->ne[0] == b->ne[1] && of->ne[1] == a->ne[1] && a->ne[0] == b->ne[0]
                                         : of->ne[0] == a->ne[0] && of->ne[1] == b->ne[1] && a->ne[1] == b->ne[0];
        if (!fits || a->ne[2] != of->ne[2] || b->ne[2] != of->ne[2] || a->ne[3] != 1 || b->ne[3] != 1) {
            header.refuse(shape(a) + " and " + shape(b) + ", which do not fit the model: " + shape(of));
        }
        const auto type = adapter_buffer_type(of);
        add_bytes(bytes, type, a);
        add_bytes(bytes, type, b);
    }
    if (bytes.empty()) {
        header.refuse("it has no tensors of an adapter");
    }
    return bytes;
}

void set_adapters(llatte_context * context, const std::vector<llatte_adapter *> & adapters, const std::vector<float> & scales) {
    std::vector<llama_adapter_lora *> handles;
    std::vector<float>                used = scales;
    for (llatte_adapter * adapter : adapters) {
        handles.push_back(adapter->handle);
    }
    for (llatte_adapter * before : context->adapters) {
        auto & users = before->users;
        users.erase(std::remove(users.begin(), users.end(), context), users.end());
    }
    context->adapters = adapters;
    context->scales   = scales;
    for (llatte_adapter * now : adapters) {
        now->users.push_back(context);
    }
    llama_set_adapters_lora(context->handle, handles.data(), handles.size(), used.data());
}

// The layers that a control vector can have: all but the first, which has none.
int32_t steered_layers(const llatte_model * model) {
    return std::max(0, llama_model_n_layer(model->handle) - 1);
}

void check_control_vector(const llatte_model * model, const std::string & path) {
    const gguf_header   header(path);
    const gguf_shapes shapes(path);
    const int32_t       n_embd = llama_model_n_embd(model->handle);
    int32_t             n      = 0;
    for (ggml_tensor * one = ggml_get_first_tensor(shapes.tensors()); one != nullptr; one = ggml_get_next_tensor(shapes.tensors(), one), n++) {
        int  layer = 0;
        char rest  = 0;
        if (sscanf(one->name, "direction.%9d%c", &layer, &rest) != 1) {
            header.refuse(std::string("it is no control vector: it has a tensor ") + one->name);
        }
        if (layer < 1 || layer > steered_layers(model)) {
            header.refuse(format("%s is for a layer that the model has not: 1 to %d", one->name, steered_layers(model)));
        }
        if (one->type != GGML_TYPE_F32 || one->ne[0] != n_embd || ggml_n_dims(one) != 1) {
            header.refuse(shape(one) + format(" of %s, and the model's layers are %d of f32", ggml_type_name(one->type), n_embd));
        }
    }
    if (n == 0) {
        header.refuse("it has no directions");
    }
}

} // namespace

void leave_adapters(llatte_context * context) {
    for (llatte_adapter * adapter : context->adapters) {
        auto & users = adapter->users;
        users.erase(std::remove(users.begin(), users.end(), context), users.end());
    }
    context->adapters.clear();
}

} // namespace llatte

using llatte::guarded;
using llatte::guarded_context;

int32_t llatte_adapter_plan(const llatte_model * model, const char * path, llatte_memory_entry * entries, int32_t capacity, int32_t * count,
                            llatte_error * error) {
    return guarded(error, [&] {
        llatte::require_not_null(model, "model");
        llatte::require_not_null(path, "path");
        llatte::write_entries(llatte::check_adapter(model, path), entries, capacity, count);
    });
}

int32_t llatte_adapter_load(llatte_model * model, const char * path, llatte_adapter ** out, llatte_error * error) {
    return guarded(error, [&] {
        llatte::require_not_null(model, "model");
        llatte::require_not_null(path, "path");
        llatte::require_not_null(out, "out");
        llatte::check_adapter(model, path);
        auto adapter    = std::make_unique<llatte_adapter>();
        adapter->model  = model;
        adapter->handle = llama_adapter_lora_init(model->handle, path);
        if (adapter->handle == nullptr) {
            const bool memory = llatte::logged_errors().find("failed to allocate") != std::string::npos;
            llatte::fail(memory ? LLATTE_OUT_OF_MEMORY : LLATTE_LOAD_FAILED, std::string(path) + " cannot be loaded" + llatte::because());
        }
        *out = adapter.release();
    });
}

void llatte_adapter_free(llatte_adapter * adapter) {
    if (adapter == nullptr) {
        return;
    }
    while (!adapter->users.empty()) {
        llatte_context *              context = adapter->users.back();
        std::vector<llatte_adapter *> others;
        std::vector<float>            scales;
        for (size_t i = 0; i < context->adapters.size(); i++) {
            if (context->adapters[i] != adapter) {
                others.push_back(context->adapters[i]);
                scales.push_back(context->scales[i]);
            }
        }
        llatte::set_adapters(context, others, scales);
    }
    llama_adapter_lora_free(adapter->handle);
    delete adapter;
}

int32_t llatte_adapter_memory(const llatte_adapter * adapter, llatte_memory_entry * entries, int32_t capacity, int32_t * count,
                              llatte_error * error) {
    return guarded(error, [&] {
        llatte::require_not_null(adapter, "adapter");
        llatte::buffer_bytes bytes;
        for (const auto & buffer : adapter->handle->bufs) {
            bytes[ggml_backend_buffer_get_type(buffer.get())] += static_cast<int64_t>(ggml_backend_buffer_get_size(buffer.get()));
        }
        llatte::write_entries(bytes, entries, capacity, count);
    });
}

int32_t llatte_context_set_adapters(llatte_context * context, llatte_adapter * const * adapters, const float * scales, int32_t count,
                                    llatte_error * error) {
    return guarded_context(context, error, [&] {
        llatte::require_range("count", count, 0, 64);
        if (count > 0) {
            llatte::require_not_null(adapters, "adapters");
            llatte::require_not_null(scales, "scales");
        }
        for (int32_t i = 0; i < count; i++) {
            llatte::require_not_null(adapters[i], "an adapter");
            llatte::require_finite("a scale", scales[i]);
            if (adapters[i]->model != context->model) {
                llatte::fail(LLATTE_INVALID_ARGUMENT, "the adapter was loaded for another model");
            }
            if (std::find(adapters, adapters + i, adapters[i]) != adapters + i) {
                llatte::fail(LLATTE_INVALID_ARGUMENT, "an adapter is in the list twice");
            }
        }
        llatte::set_adapters(context, { adapters, adapters + count }, { scales, scales + count });
        context->handle->sched_reserve();
    });
}

int32_t llatte_control_vector_read(const llatte_model * model, const char * path, float * data, int64_t capacity, int64_t * length,
                                   llatte_error * error) {
    return guarded(error, [&] {
        llatte::require_not_null(model, "model");
        llatte::require_not_null(path, "path");
        llatte::require_not_null(length, "length");
        *length = static_cast<int64_t>(llatte::steered_layers(model)) * llama_model_n_embd(model->handle);
        if (*length > capacity) {
            llatte::fail(LLATTE_BUFFER_TOO_SMALL, "the control vector", *length, capacity);
        }
        llatte::require_not_null(data, "data");
        llatte::check_control_vector(model, path);
        const common_control_vector_data loaded = common_control_vector_load({ { 1.0f, path } });
        if (loaded.n_embd < 0) {
            llatte::fail(LLATTE_LOAD_FAILED, std::string(path) + " cannot be loaded" + llatte::because());
        }
        std::fill(std::copy(loaded.data.begin(), loaded.data.end(), data), data + *length, 0.0f);
    });
}

int32_t llatte_context_set_control_vector(llatte_context * context, const float * data, int64_t length, llatte_error * error) {
    return guarded_context(context, error, [&] {
        const int32_t n_embd   = llama_model_n_embd(context->model->handle);
        const int32_t n_layers = llatte::steered_layers(context->model);
        if (data != nullptr && (length != static_cast<int64_t>(n_layers) * n_embd || length == 0)) {
            llatte::fail(LLATTE_INVALID_ARGUMENT, llatte::format("a control vector of %lld numbers, and the model's has %d x %d",
                                                                 static_cast<long long>(length), n_layers, n_embd),
                         length, static_cast<int64_t>(n_layers) * n_embd);
        }
        for (int64_t i = 0; data != nullptr && i < length; i++) {
            llatte::require_finite("a control vector's number", data[i]);
        }
        if (llama_set_adapter_cvec(context->handle, data, data == nullptr ? 0 : length, n_embd, 1, n_layers) != 0) {
            llatte::fail(LLATTE_OUT_OF_MEMORY, "the control vector cannot be set" + llatte::because(), length * 4);
        }
        context->handle->sched_reserve();
    });
}

int32_t llatte_control_vector_plan(const llatte_model * model, llatte_memory_entry * entries, int32_t capacity, int32_t * count,
                                   llatte_error * error) {
    return guarded(error, [&] {
        llatte::require_not_null(model, "model");
        if (model->vocab_only || llatte::steered_layers(model) == 0) {
            llatte::fail(LLATTE_INVALID_STATE, "the model has no layers that a control vector could change");
        }
        llatte::buffer_bytes bytes;
        for (int32_t layer = 1; layer <= llatte::steered_layers(model); layer++) {
            const auto   type      = model->handle->select_buft(layer);
            const size_t alignment = ggml_backend_buft_get_alignment(type);
            bytes[type] += static_cast<int64_t>(GGML_PAD(sizeof(float) * llama_model_n_embd(model->handle), alignment));
        }
        llatte::write_entries(bytes, entries, capacity, count);
    });
}
