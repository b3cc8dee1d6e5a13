#include "gguf_header.h"
#include "handles.h"

#include <filesystem>

namespace llatte {

gguf_header::gguf_header(const std::string & file) : path(file) {
    namespace fs = std::filesystem;
    std::error_code ignored;
    const fs::path  location = fs::u8path(path);
    if (!fs::exists(location, ignored)) {
        fail(LLATTE_LOAD_FAILED, path + " does not exist");
    }
    if (!fs::is_regular_file(location, ignored)) {
        fail(LLATTE_LOAD_FAILED, path + " is no file");
    }
    gguf_init_params params{};
    params.no_alloc = true;
    gguf.reset(gguf_init_from_file(path.c_str(), params));
    if (!gguf) {
        fail(LLATTE_LOAD_FAILED, path + " is no GGUF, or a broken one" + because());
    }
}

gguf_shapes::gguf_shapes(const std::string & path) {
    gguf_init_params params{};
    params.no_alloc = true;
    params.ctx      = &tensors_;
    gguf_           = gguf_init_from_file(path.c_str(), params);
    if (gguf_ == nullptr) {
        fail(LLATTE_LOAD_FAILED, path + " is no GGUF, or a broken one" + because());
    }
}

gguf_shapes::~gguf_shapes() {
    gguf_free(gguf_);
    ggml_free(tensors_);
}

int64_t gguf_shapes::rows(const char * name) const {
    const ggml_tensor * tensor = ggml_get_tensor(tensors_, name);
    return tensor == nullptr ? -1 : tensor->ne[1];
}

void gguf_header::refuse(const std::string & why) const {
    fail(LLATTE_LOAD_FAILED, path + ": " + why);
}

std::optional<int64_t> gguf_header::integer(const std::string & key) const {
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

std::optional<double> gguf_header::number(const std::string & key) const {
    const int64_t id = gguf_find_key(gguf.get(), key.c_str());
    if (id < 0) {
        return std::nullopt;
    }
    switch (gguf_get_kv_type(gguf.get(), id)) {
        case GGUF_TYPE_FLOAT32: return gguf_get_val_f32(gguf.get(), id);
        case GGUF_TYPE_FLOAT64: return gguf_get_val_f64(gguf.get(), id);
        default: return std::nullopt;
    }
}

std::string gguf_header::text(const std::string & key) const {
    const int64_t id = gguf_find_key(gguf.get(), key.c_str());
    if (id < 0 || gguf_get_kv_type(gguf.get(), id) != GGUF_TYPE_STRING) {
        return "";
    }
    return gguf_get_val_str(gguf.get(), id);
}

std::vector<int64_t> gguf_header::integers(const std::string & key) const {
    const int64_t id = gguf_find_key(gguf.get(), key.c_str());
    if (id < 0 || gguf_get_kv_type(gguf.get(), id) != GGUF_TYPE_ARRAY) {
        const auto value = integer(key);
        return value ? std::vector<int64_t>{ *value } : std::vector<int64_t>{};
    }
    std::vector<int64_t> values;
    auto                 copy = [&](auto unit) {
        const auto * data = static_cast<const decltype(unit) *>(gguf_get_arr_data(gguf.get(), id));
        values.assign(data, data + gguf_get_arr_n(gguf.get(), id));
    };
    switch (gguf_get_arr_type(gguf.get(), id)) {
        case GGUF_TYPE_INT32:  copy(int32_t()); break;
        case GGUF_TYPE_UINT32: copy(uint32_t()); break;
        case GGUF_TYPE_INT64:
        case GGUF_TYPE_UINT64: copy(int64_t()); break; // beyond 2^63 it is negative, and refused as such
        default: break;
    }
    return values;
}

void gguf_header::bound(const std::string & key, int64_t least, int64_t most) const {
    for (int64_t value : integers(key)) {
        if (value < least || value > most) {
            refuse(format("%s is %lld, and must be from %lld to %lld", key.c_str(), static_cast<long long>(value),
                          static_cast<long long>(least), static_cast<long long>(most)));
        }
    }
}

} // namespace llatte

int32_t llatte_gguf_open(const char * path, gguf_context ** out, llatte_error * error) {
    return llatte::guarded(error, [&] {
        llatte::require_not_null(path, "path");
        llatte::require_not_null(out, "out");
        *out = llatte::gguf_header(path).release();
    });
}

void llatte_gguf_free(gguf_context * gguf) {
    if (gguf != nullptr) {
        gguf_free(gguf);
        llatte::return_free_memory();
    }
}
