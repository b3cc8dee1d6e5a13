// What the tests share: the process, tiny models, contexts and batches.
#pragma once

#include "check.h"

#include <functional>
#include <map>
#include <memory>
#include <pthread.h>
#include <sys/resource.h>

namespace fixture {

struct folders {
    std::string backends;
    std::string models;
    std::string scratch; // files that a test writes
};

inline folders & where() {
    static folders one;
    return one;
}

inline std::string model_path(const std::string & name) {
    return where().models + "/" + name + ".gguf";
}

struct model_deleter {
    void operator()(llatte_model * model) const { llatte_model_free(model); }
};
struct context_deleter {
    void operator()(llatte_context * context) const { llatte_context_free(context); }
};
struct sampler_deleter {
    void operator()(llatte_sampler * sampler) const { llatte_sampler_free(sampler); }
};
struct template_deleter {
    void operator()(llatte_template * tmpl) const { llatte_template_free(tmpl); }
};
using model_ptr    = std::unique_ptr<llatte_model, model_deleter>;
using context_ptr  = std::unique_ptr<llatte_context, context_deleter>;
using sampler_ptr  = std::unique_ptr<llatte_sampler, sampler_deleter>;
using template_ptr = std::unique_ptr<llatte_template, template_deleter>;

inline llama_model_params model_params() {
    llama_model_params params;
    llatte_model_default_params(&params);
    params.n_gpu_layers = 0;
    return params;
}

inline model_ptr load(const std::string & path, const llama_model_params & params = model_params()) {
    llatte_model * model = nullptr;
    CHECK_OK(llatte_model_load(path.c_str(), &params, nullptr, &model, &check::error()));
    return model_ptr(model);
}

inline int32_t try_load(const std::string & path, const llama_model_params & params = model_params()) {
    llatte_model * model  = nullptr;
    const int32_t  status = llatte_model_load(path.c_str(), &params, nullptr, &model, &check::error());
    CHECK((status == LLATTE_OK) == (model != nullptr));
    llatte_model_free(model);
    return status;
}

// Small enough that every limit is within reach of a batch.
inline llama_context_params context_params() {
    llama_context_params params;
    llatte_context_default_params(&params);
    params.n_ctx           = 256;
    params.n_batch         = 32;
    params.n_ubatch        = 16;
    params.n_seq_max       = 4;
    params.n_threads       = 2; // as in production: what fails on a compute thread must fail here
    params.n_threads_batch = 2;
    return params;
}

inline context_ptr context(const model_ptr & model, const llama_context_params & params = context_params()) {
    llatte_context * context = nullptr;
    CHECK_OK(llatte_context_create(model.get(), &params, nullptr, &context, &check::error()));
    return context_ptr(context);
}

inline int32_t try_context(const model_ptr & model, const llama_context_params & params) {
    llatte_context * context = nullptr;
    const int32_t    status  = llatte_context_create(model.get(), &params, nullptr, &context, &check::error());
    CHECK((status == LLATTE_OK) == (context != nullptr));
    llatte_context_free(context);
    return status;
}

// One row for each token, all in one sequence; the last row asks for output. Tests spoil the fields.
struct batch {
    std::vector<int32_t> tokens;
    std::vector<int32_t> positions;
    std::vector<int32_t> sequence_counts;
    std::vector<int32_t> sequences;
    std::vector<int8_t>  outputs;
    std::vector<float>   embeddings;
    int32_t              stride = 1;

    explicit batch(int32_t n, int32_t first = 0, int32_t sequence = 0)
        : tokens(n), positions(n), sequence_counts(n, 1), sequences(n, sequence), outputs(n, 0) {
        for (int32_t i = 0; i < n; i++) {
            tokens[i]    = 1 + (first + i) * 7 % 100;
            positions[i] = first + i;
        }
        if (n > 0) {
            outputs[n - 1] = 1;
        }
    }

    int32_t size() const { return static_cast<int32_t>(positions.size()); }

    int32_t decode(const context_ptr & context) const { return decode(context, size()); }
    int32_t decode(const context_ptr & context, int32_t n) const {
        return llatte_context_decode(context.get(), n, tokens.empty() ? nullptr : tokens.data(),
                                     embeddings.empty() ? nullptr : embeddings.data(), positions.data(), sequence_counts.data(),
                                     sequences.data(), stride, outputs.data(), &check::error());
    }
    int32_t encode(const context_ptr & context) const {
        return llatte_context_encode(context.get(), size(), tokens.empty() ? nullptr : tokens.data(),
                                     embeddings.empty() ? nullptr : embeddings.data(), positions.data(), sequence_counts.data(),
                                     sequences.data(), stride, outputs.data(), &check::error());
    }
};

inline std::vector<float> logits(const context_ptr & context, const model_ptr & model) {
    const float * row = nullptr;
    CHECK_OK(llatte_context_logits(context.get(), -1, &row, &check::error()));
    return std::vector<float>(row, row + llama_vocab_n_tokens(llama_model_get_vocab(llatte_model_handle(model.get()))));
}

struct range {
    int32_t first = -2;
    int32_t last  = -2;
};

inline range range_of(const context_ptr & context, int32_t sequence) {
    range found;
    CHECK_OK(llatte_sequence_range(context.get(), sequence, &found.first, &found.last, &check::error()));
    return found;
}

// The context still works: a fresh sequence decodes.
inline void check_usable(const context_ptr & context) {
    CHECK_OK(llatte_context_clear(context.get(), &check::error()));
    CHECK_OK(batch(4).decode(context));
    CHECK_OK(llatte_context_clear(context.get(), &check::error()));
}

// Opens a model's header, lets `edit` change it, and writes it with the same tensors under another name.
inline std::string edited_model(const std::string & source, const std::string & name, const std::function<void(gguf_context *)> & edit) {
    ggml_context *   data = nullptr;
    gguf_init_params params{};
    params.ctx          = &data;
    gguf_context * read = gguf_init_from_file(source.c_str(), params);
    CHECK(read != nullptr);
    gguf_context * gguf = gguf_init_empty(); // the one that was read cannot be written: it does not know its tensors' data
    gguf_set_kv(gguf, read);
    for (int64_t i = 0; i < gguf_get_n_tensors(read); i++) {
        gguf_add_tensor(gguf, ggml_get_tensor(data, gguf_get_tensor_name(read, i)));
    }
    gguf_free(read);
    edit(gguf);
    const std::string path    = where().scratch + "/" + name + ".gguf";
    const bool        written = gguf_write_to_file(gguf, path.c_str(), false);
    gguf_free(gguf);
    ggml_free(data);
    CHECK(written);
    return path;
}

// 128 tokens, as the tiny models have: unknown, begin, end, and bytes-as-text with a few words.
inline std::vector<std::string> vocabulary() {
    std::vector<std::string> tokens = { "<unk>", "<s>", "</s>" };
    for (char c = ' '; c < 127; c++) {
        tokens.push_back(c == ' ' ? "\xe2\x96\x81" : std::string(1, c));
    }
    for (const char * word : { "yes", "no", "he", "ll", "hello", "wor", "ld", "world", "\xe2\x96\x81hello", "\xe2\x96\x81world", "\n" }) {
        tokens.push_back(word);
    }
    while (tokens.size() < 128) {
        tokens.push_back("<unused" + std::to_string(tokens.size()) + ">");
    }
    return tokens;
}

inline void set_vocabulary(gguf_context * gguf, const std::vector<std::string> & tokens) {
    std::vector<const char *> texts;
    std::vector<float>        scores;
    std::vector<int32_t>      types;
    for (size_t i = 0; i < tokens.size(); i++) {
        texts.push_back(tokens[i].c_str());
        scores.push_back(-static_cast<float>(i));
        types.push_back(i == 0 ? LLAMA_TOKEN_TYPE_UNKNOWN : i < 3 ? LLAMA_TOKEN_TYPE_CONTROL : LLAMA_TOKEN_TYPE_NORMAL);
    }
    gguf_set_val_str(gguf, "tokenizer.ggml.model", "llama");
    gguf_set_arr_str(gguf, "tokenizer.ggml.tokens", texts.data(), texts.size());
    gguf_set_arr_data(gguf, "tokenizer.ggml.scores", GGUF_TYPE_FLOAT32, scores.data(), scores.size());
    gguf_set_arr_data(gguf, "tokenizer.ggml.token_type", GGUF_TYPE_INT32, types.data(), types.size());
    gguf_set_val_bool(gguf, "tokenizer.ggml.add_bos_token", true);
    gguf_set_val_u32(gguf, "tokenizer.ggml.unknown_token_id", 0);
    gguf_set_val_u32(gguf, "tokenizer.ggml.bos_token_id", 1);
    gguf_set_val_u32(gguf, "tokenizer.ggml.eos_token_id", 2);
}

// A tiny model that has a vocabulary; written once.
inline const std::string & speaking_model() {
    static const std::string path =
        edited_model(model_path("llama-dense"), "speaking", [](gguf_context * gguf) { set_vocabulary(gguf, vocabulary()); });
    return path;
}

#if defined(__SANITIZE_ADDRESS__)
constexpr bool sanitized = true;
#else
constexpr bool sanitized = false;
#endif

// What asks for all memory gets none, and the machine stays usable. The sanitizer reserves terabytes: there its own options do this.
inline void limit_memory() {
    if (!sanitized) {
        const rlimit limit{ size_t(4) << 30, size_t(4) << 30 };
        setrlimit(RLIMIT_AS, &limit);
    }
}

// Runs on a stack like that of a Java thread, 1 MiB: recursion that fits 8 MiB would hide what kills a JVM. The sanitizer's frames are larger.
inline int on_small_stack(int (*body)(const char *), const char * argument) {
    struct call {
        int (*body)(const char *);
        const char * argument;
        int          result;
    } one{ body, argument, 0 };
    pthread_attr_t attributes;
    pthread_t      thread;
    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, size_t(sanitized ? 8 : 1) << 20);
    const auto run = [](void * data) -> void * {
        auto * c  = static_cast<call *>(data);
        c->result = c->body(c->argument);
        return nullptr;
    };
    if (pthread_create(&thread, &attributes, run, &one) != 0) {
        return 2;
    }
    pthread_join(thread, nullptr);
    return one.result;
}

// main of every test: BACKENDS MODELS SCRATCH [FILTER]
inline int main(int argc, char ** argv) {
    if (argc < 4) {
        fprintf(stderr, "usage: %s BACKENDS MODELS SCRATCH [FILTER]\n", argv[0]);
        return 2;
    }
    where() = { argv[1], argv[2], argv[3] };
    limit_memory();
    if (llatte_init(argv[1], &check::error()) != LLATTE_OK) {
        fprintf(stderr, "%s\n", check::error().message);
        return 2;
    }
    return on_small_stack(check::run_all, argc > 4 ? argv[4] : nullptr);
}

} // namespace fixture
