// A GGUF's header, read without its tensors' data and without gguf.h's getters aborting on an unexpected type.
#pragma once

#include "guard.h"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace llatte {

class gguf_header {
public:
    // Refuses what is missing, no file, or no GGUF.
    explicit gguf_header(const std::string & path);

    [[noreturn]] void refuse(const std::string & why) const;

    // A scalar integer of any width; absent where there is no such key, or it holds something else.
    std::optional<int64_t> integer(const std::string & key) const;
    std::optional<double>  number(const std::string & key) const;
    std::string            text(const std::string & key) const;

    // The values of a scalar, or of an array of 32- or 64-bit integers.
    std::vector<int64_t> integers(const std::string & key) const;

    // Refuses a value of `key` that is out of range; an absent key is in it.
    void bound(const std::string & key, int64_t least, int64_t most) const;

    gguf_context * get() const { return gguf.get(); }
    gguf_context * release() { return gguf.release(); }

    const std::string path;

private:
    struct deleter {
        void operator()(gguf_context * gguf) const { gguf_free(gguf); }
    };
    std::unique_ptr<gguf_context, deleter> gguf;
};

// The shapes of a file's tensors, which gguf.h alone does not tell.
class gguf_shapes {
public:
    // Refuses what is no GGUF.
    explicit gguf_shapes(const std::string & path);
    ~gguf_shapes();
    gguf_shapes(const gguf_shapes &) = delete;
    gguf_shapes & operator=(const gguf_shapes &) = delete;

    // Without data.
    ggml_context * tensors() const { return tensors_; }
    // Of a tensor's second dimension; -1 where there is no such tensor.
    int64_t rows(const char * name) const;

private:
    ggml_context * tensors_ = nullptr;
    gguf_context * gguf_    = nullptr;
};

// The header of a model's file; refused where llama.cpp would abort on it or divide by what it says.
gguf_header check_model_file(const std::string & path, bool vocab_only);

} // namespace llatte
