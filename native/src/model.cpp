#include "gguf_header.h"
#include "handles.h"

#include <cmath>
#include <cstring>
#include <filesystem>
#include <memory>

// Exported by libllama, in no public header: a model's tensors by name.
const std::vector<std::pair<std::string, ggml_tensor *>> & llama_internal_get_tensor_map(const llama_model * model);

namespace llatte {

namespace {

constexpr int32_t max_devices = 16;

bool on_progress(float progress, void * user_data) {
    auto * control = static_cast<llatte_control *>(user_data);
    float  so_far;
    __atomic_load(&control->progress, &so_far, __ATOMIC_RELAXED);
    if (progress > so_far) {
        __atomic_store(&control->progress, &progress, __ATOMIC_RELEASE);
    }
    return !is_cancelled(control);
}

bool looks_out_of_memory(const std::string & log) {
    return log.find("failed to allocate") != std::string::npos || log.find("unable to allocate") != std::string::npos ||
           log.find("out of memory") != std::string::npos || log.find("ErrorOutOfDeviceMemory") != std::string::npos ||
           log.find("bad_alloc") != std::string::npos;
}

int32_t learned_positions(const llama_model * model) {
    for (const auto & [name, tensor] : llama_internal_get_tensor_map(model)) {
        if (name == "position_embd.weight") {
            return static_cast<int32_t>(tensor->ne[1]);
        }
    }
    return INT32_MAX;
}

bool computes_on_cpu(const llama_model * model) {
    for (const auto & [name, tensor] : llama_internal_get_tensor_map(model)) {
        if (name != "token_embd.weight" && (tensor->buffer == nullptr || ggml_backend_buffer_is_host(tensor->buffer))) {
            return true;
        }
    }
    return false;
}

int32_t positions_a_row(const llama_model * model) {
    const auto rope = llama_model_rope_type(model);
    return rope == LLAMA_ROPE_TYPE_MROPE || rope == LLAMA_ROPE_TYPE_IMROPE ? 4 : 1;
}

} // namespace

void check_model_params(const llama_model_params & params) {
    require_range("n_gpu_layers", params.n_gpu_layers, -1, INT32_MAX);
    require_range("split_mode", params.split_mode, LLAMA_SPLIT_MODE_NONE, LLAMA_SPLIT_MODE_TENSOR);
    require_range("load_mode", params.load_mode, LLAMA_LOAD_MODE_AUTO, LLAMA_LOAD_MODE_DIRECT_IO);
    require_range("lazy_mode", params.lazy_mode, LLAMA_LAZY_MODE_OFF, LLAMA_LAZY_MODE_ON);
    require_range("main_gpu", params.main_gpu, 0, max_devices - 1);
    if (params.progress_callback != nullptr) {
        fail(LLATTE_INVALID_ARGUMENT, "progress_callback must be NULL: the control reports progress");
    }
    if (params.devices != nullptr) {
        int32_t count = 0;
        while (params.devices[count] != nullptr) {
            if (++count > max_devices) {
                fail(LLATTE_INVALID_ARGUMENT, "more than 16 devices", count, max_devices);
            }
        }
    }
    if (params.tensor_split != nullptr) {
        for (size_t i = 0; i < llama_max_devices(); i++) {
            if (!std::isfinite(params.tensor_split[i]) || params.tensor_split[i] < 0) {
                fail(LLATTE_INVALID_ARGUMENT, format("tensor_split[%zu] is %f", i, static_cast<double>(params.tensor_split[i])));
            }
        }
    }
    if (params.kv_overrides != nullptr) {
        fail(LLATTE_INVALID_ARGUMENT, "kv_overrides are not checked and therefore not accepted");
    }
}

void load_failure(const std::string & path) {
    const std::string & log = logged_errors();
    if (looks_out_of_memory(log)) {
        fail(LLATTE_OUT_OF_MEMORY, path + because());
    }
    fail(LLATTE_LOAD_FAILED, path + " cannot be loaded" + because());
}

void context_failure() {
    const std::string & log = logged_errors();
    if (looks_out_of_memory(log)) {
        fail(LLATTE_OUT_OF_MEMORY, "the context does not fit" + because());
    }
    fail(LLATTE_INVALID_ARGUMENT, "llama.cpp refused the context" + because());
}

} // namespace llatte

void llatte_model_default_params(llama_model_params * out) {
    if (out != nullptr) {
        *out = llama_model_default_params();
    }
}

void llatte_model_quantize_default_params(llama_model_quantize_params * out) {
    if (out != nullptr) {
        *out = llama_model_quantize_default_params();
    }
}

int32_t llatte_model_load(const char * path, const llama_model_params * params, llatte_control * control, llatte_model ** out,
                          llatte_error * error) {
    const int32_t status = llatte::guarded(error, [&] {
        llatte::require_not_null(path, "path");
        llatte::require_not_null(params, "params");
        llatte::require_not_null(out, "out");
        llatte::check_model_params(*params);
        if (llatte::is_cancelled(control)) {
            llatte::fail(LLATTE_CANCELLED, "the load was cancelled");
        }
        llatte::check_model_file(path, params->vocab_only);
        llatte::return_free_memory();

        llama_model_params own = *params;
        if (control != nullptr) {
            own.progress_callback           = llatte::on_progress;
            own.progress_callback_user_data = control;
        }
        auto model    = std::make_unique<llatte_model>();
        model->handle = llama_model_load_from_file(path, own);
        if (model->handle == nullptr) {
            if (llatte::is_cancelled(control)) {
                llatte::fail(LLATTE_CANCELLED, "the load was cancelled");
            }
            llatte::load_failure(path);
        }
        model->vocab      = llama_model_get_vocab(model->handle);
        model->n_vocab    = llama_vocab_n_tokens(model->vocab);
        model->vocab_only = params->vocab_only;
        model->mtp        = params->load_mtp;

        model->n_positions       = llatte::learned_positions(model->handle);
        model->n_positions_a_row = llatte::positions_a_row(model->handle);
        model->computes_on_cpu   = llatte::computes_on_cpu(model->handle);
        if (control != nullptr) {
            llatte::on_progress(1.0f, control);
        }
        *out = model.release();
    });
    // What the load took for itself, such as the header's copies of the vocabulary, lies between what it keeps.
    llatte::return_free_memory();
    return status;
}

void llatte_model_free(llatte_model * model) {
    if (model != nullptr) {
        llatte::guarded(nullptr, [&] { llama_model_free(model->handle); });
        delete model;
        llatte::return_free_memory();
    }
}

llama_model * llatte_model_handle(llatte_model * model) {
    return model == nullptr ? nullptr : model->handle;
}

int32_t llatte_model_quantize(const char * input_path, const char * output_path, const llama_model_quantize_params * params,
                              llatte_error * error) {
    return llatte::guarded(error, [&] {
        llatte::require_not_null(input_path, "input_path");
        llatte::require_not_null(output_path, "output_path");
        llama_model_quantize_params own = params == nullptr ? llama_model_quantize_default_params() : *params;
        llatte::require_range("nthread", own.nthread, 0, 512);
        llatte::require_range("ftype", own.ftype, 0, LLAMA_FTYPE_MOSTLY_Q2_0);
        llatte::check_model_file(input_path, false);
        std::error_code ignored;
        if (std::filesystem::equivalent(std::filesystem::u8path(input_path), std::filesystem::u8path(output_path), ignored)) {
            llatte::fail(LLATTE_INVALID_ARGUMENT, std::string(output_path) + " is the input itself");
        }
        const uint32_t status = llama_model_quantize(input_path, output_path, &own);
        if (status != 0) {
            const std::string & log = llatte::logged_errors();
            if (log.find("requantizing") != std::string::npos) {
                llatte::fail(LLATTE_INVALID_ARGUMENT, "the model is quantised already" + llatte::because());
            }
            const bool io = log.find("failed to open") != std::string::npos || log.find("write error") != std::string::npos ||
                            log.find("basic_ios") != std::string::npos || log.find("iostream") != std::string::npos;
            llatte::fail(io ? LLATTE_IO_FAILED : LLATTE_LOAD_FAILED, std::string(output_path) + llatte::because());
        }
    });
}
