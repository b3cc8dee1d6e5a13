// LoRA adapters and control vectors, against llama.cpp's own calls on the same files.
#include "fixture.h"

#include <cmath>
#include <cstring>
#include <fstream>
#include <random>

using check::error;
using fixture::batch;

namespace {

struct adapter_deleter {
    void operator()(llatte_adapter * adapter) const { llatte_adapter_free(adapter); }
};
using adapter_ptr = std::unique_ptr<llatte_adapter, adapter_deleter>;

const std::string & model_file() {
    return fixture::speaking_model();
}

// What a file of an adapter has, to be spoilt.
struct lora {
    std::string type         = "adapter";
    std::string kind         = "lora";
    std::string architecture = "llama";
    int64_t     rank         = 4;
    int64_t     wider        = 0; // columns too many
    ggml_type   tensor_type  = GGML_TYPE_F32;
    bool        with_a       = true;
    std::string prefix       = "blk.";
    uint32_t    seed         = 1;
};

ggml_tensor * random_tensor(ggml_context * context, const std::string & name, ggml_type type, int64_t columns, int64_t rows, std::mt19937 & random) {
    ggml_tensor * tensor = ggml_new_tensor_2d(context, type, columns, rows);
    ggml_set_name(tensor, name.c_str());
    std::uniform_real_distribution<float> weights(-0.5f, 0.5f);
    if (type == GGML_TYPE_F32) {
        for (int64_t i = 0; i < ggml_nelements(tensor); i++) {
            static_cast<float *>(tensor->data)[i] = weights(random);
        }
    } else {
        memset(tensor->data, 0, ggml_nbytes(tensor));
    }
    return tensor;
}

// For the attention's output and the feed-forward network of each layer.
std::string write(const std::string & name, const lora & one) {
    ggml_context * context = ggml_init({ size_t(64) << 20, nullptr, false });
    gguf_context * gguf    = gguf_init_empty();
    gguf_set_val_str(gguf, "general.type", one.type.c_str());
    gguf_set_val_str(gguf, "adapter.type", one.kind.c_str());
    gguf_set_val_str(gguf, "general.architecture", one.architecture.c_str());
    gguf_set_val_f32(gguf, "adapter.lora.alpha", 8.0f);
    const auto    model  = fixture::load(model_file());
    const int32_t layers = llama_model_n_layer(llatte_model_handle(model.get()));
    std::mt19937  random(one.seed);
    const int64_t n_embd = llama_model_n_embd(llatte_model_handle(model.get()));
    for (int32_t layer = 0; layer < layers; layer++) {
        const std::string base = one.prefix + std::to_string(layer) + ".attn_output.weight";
        if (one.with_a) {
            gguf_add_tensor(gguf, random_tensor(context, base + ".lora_a", one.tensor_type, n_embd + one.wider, one.rank, random));
        }
        gguf_add_tensor(gguf, random_tensor(context, base + ".lora_b", one.tensor_type, one.rank, n_embd, random));
    }
    const std::string path = fixture::where().scratch + "/" + name + ".gguf";
    CHECK(gguf_write_to_file(gguf, path.c_str(), false));
    gguf_free(gguf);
    ggml_free(context);
    return path;
}

std::string write_vector(const std::string & name, const char * tensor = "direction.1", int64_t width = 0, ggml_type type = GGML_TYPE_F32) {
    const auto     model   = fixture::load(model_file());
    const int64_t  n_embd  = llama_model_n_embd(llatte_model_handle(model.get()));
    ggml_context * context = ggml_init({ size_t(1) << 20, nullptr, false });
    gguf_context * gguf    = gguf_init_empty();
    ggml_tensor *  one     = ggml_new_tensor_1d(context, type, width == 0 ? n_embd : width);
    ggml_set_name(one, tensor);
    for (int64_t i = 0; i < ggml_nelements(one) && type == GGML_TYPE_F32; i++) {
        static_cast<float *>(one->data)[i] = std::sin(static_cast<float>(i));
    }
    gguf_set_val_str(gguf, "general.architecture", "controlvector");
    gguf_add_tensor(gguf, one);
    const std::string path = fixture::where().scratch + "/" + name + ".gguf";
    CHECK(gguf_write_to_file(gguf, path.c_str(), false));
    gguf_free(gguf);
    ggml_free(context);
    return path;
}

adapter_ptr load(const fixture::model_ptr & model, const std::string & path) {
    llatte_adapter * adapter = nullptr;
    CHECK_OK(llatte_adapter_load(model.get(), path.c_str(), &adapter, &error()));
    return adapter_ptr(adapter);
}

// A header may be whole where the tensors behind it are not: the plan reads the header alone.
int32_t try_load(const fixture::model_ptr & model, const std::string & path, bool by_header = true) {
    llatte_adapter * adapter = nullptr;
    const int32_t    status  = llatte_adapter_load(model.get(), path.c_str(), &adapter, &error());
    CHECK((status == LLATTE_OK) == (adapter != nullptr));
    llatte_adapter_free(adapter);
    llatte_memory_entry entries[8];
    int32_t             count = 0;
    CHECK(!by_header || llatte_adapter_plan(model.get(), path.c_str(), entries, 8, &count, &error()) == status);
    return status;
}

int32_t set(const fixture::context_ptr & context, const std::vector<llatte_adapter *> & adapters, const std::vector<float> & scales) {
    return llatte_context_set_adapters(context.get(), adapters.data(), scales.data(), static_cast<int32_t>(adapters.size()), &error());
}

std::vector<float> logits(const fixture::context_ptr & context) {
    CHECK_OK(llatte_context_clear(context.get(), &error()));
    CHECK_OK(batch(4).decode(context));
    const float * row = nullptr;
    CHECK_OK(llatte_context_logits(context.get(), -1, &row, &error()));
    return { row, row + 128 };
}

// The same by llama.cpp alone.
struct reference {
    llama_model *   model = llama_model_load_from_file(model_file().c_str(), fixture::model_params());
    llama_context * context;

    reference() {
        CHECK(model != nullptr);
        context = llama_init_from_model(model, fixture::context_params());
        CHECK(context != nullptr);
    }
    ~reference() {
        llama_free(context);
        llama_model_free(model);
    }

    std::vector<float> logits() {
        llama_memory_clear(llama_get_memory(context), true);
        llama_batch rows = llama_batch_init(4, 0, 1);
        rows.n_tokens    = 4;
        for (int32_t i = 0; i < 4; i++) {
            rows.token[i]     = batch(4).tokens[i];
            rows.pos[i]       = i;
            rows.n_seq_id[i]  = 1;
            rows.seq_id[i][0] = 0;
            rows.logits[i]    = i == 3;
        }
        CHECK(llama_decode(context, rows) == 0);
        llama_batch_free(rows);
        const float * row = llama_get_logits_ith(context, -1);
        return { row, row + 128 };
    }
};

} // namespace

CASE(scales_as_in_llama_cpp) {
    const std::string path    = write("lora", {});
    auto              model   = fixture::load(model_file());
    auto              context = fixture::context(model);
    auto              adapter = load(model, path);
    const auto        plain   = logits(context);

    reference            other;
    llama_adapter_lora * theirs = llama_adapter_lora_init(other.model, path.c_str());
    CHECK(theirs != nullptr);
    CHECK(plain == other.logits());
    for (float scale : { 0.0f, 0.5f, 1.0f, -2.0f }) {
        CHECK_OK(set(context, { adapter.get() }, { scale }));
        CHECK(llama_set_adapters_lora(other.context, &theirs, 1, &scale) == 0);
        const auto changed = logits(context);
        CHECK(changed == other.logits());
        CHECK((changed == plain) == (scale == 0));
    }
    CHECK_OK(set(context, {}, {}));
    CHECK(logits(context) == plain);
}

CASE(several_at_once_and_who_is_freed_first) {
    auto model   = fixture::load(model_file());
    auto context = fixture::context(model);
    auto second  = fixture::context(model);
    lora other;
    other.seed         = 2;
    auto       a       = load(model, write("a", {}));
    auto       b       = load(model, write("b", other));
    const auto plain   = logits(context);
    CHECK_OK(set(context, { a.get() }, { 1 }));
    const auto with_a = logits(context);
    CHECK_OK(set(context, { a.get(), b.get() }, { 1, 0.5f }));
    CHECK_OK(set(second, { b.get() }, { 1 }));
    const auto both = logits(context);
    CHECK(both != with_a && both != plain);
    b.reset();
    CHECK(logits(context) == with_a);
    CHECK(logits(second) == plain);
    context.reset();
    a.reset();
    CHECK(logits(second) == plain);
}

CASE(what_they_take) {
    const std::string   path  = write("bytes", {});
    auto                model = fixture::load(model_file());
    llatte_memory_entry planned[8];
    llatte_memory_entry held[8];
    int32_t             n_planned = 0;
    int32_t             n_held    = 0;
    CHECK_OK(llatte_adapter_plan(model.get(), path.c_str(), planned, 8, &n_planned, &error()));
    auto adapter = load(model, path);
    CHECK_OK(llatte_adapter_memory(adapter.get(), held, 8, &n_held, &error()));
    CHECK(n_planned == n_held && n_planned > 0);
    for (int32_t i = 0; i < n_held; i++) {
        CHECK(std::string(planned[i].buffer_type) == held[i].buffer_type && planned[i].model_bytes == held[i].model_bytes);
        CHECK(held[i].model_bytes > 0);
    }
    CHECK_STATUS(LLATTE_BUFFER_TOO_SMALL, llatte_adapter_plan(model.get(), path.c_str(), planned, 0, &n_planned, &error()));
}

CASE(files_that_are_no_adapters) {
    auto model = fixture::load(model_file());
    auto bad   = [&](const char * name, void (*spoil)(lora &)) {
        lora one;
        spoil(one);
        CHECK_STATUS(LLATTE_LOAD_FAILED, try_load(model, write(name, one)));
    };
    bad("type", [](lora & one) { one.type = "model"; });
    bad("kind", [](lora & one) { one.kind = "dora"; });
    bad("architecture", [](lora & one) { one.architecture = "gemma3"; });
    bad("shape", [](lora & one) { one.wider = 32; });
    bad("integers", [](lora & one) { one.tensor_type = GGML_TYPE_I32; });
    bad("half", [](lora & one) { one.with_a = false; });
    bad("elsewhere", [](lora & one) { one.prefix = "block."; });
    bad("layers", [](lora & one) { one.prefix = "blk.9"; });
    CHECK_STATUS(LLATTE_LOAD_FAILED, try_load(model, model_file()));
    CHECK_STATUS(LLATTE_LOAD_FAILED, try_load(model, "/nowhere/lora.gguf"));
    CHECK_STATUS(LLATTE_LOAD_FAILED, fixture::try_load(write("as-model", {})));

    std::ifstream     in(write("whole", {}), std::ios::binary);
    const std::string bytes((std::istreambuf_iterator<char>(in)), std::istreambuf_iterator<char>());
    for (size_t length : { size_t(0), size_t(3), size_t(20), bytes.size() / 4, bytes.size() - 1000 }) {
        const std::string cut = fixture::where().scratch + "/cut.gguf";
        std::ofstream(cut, std::ios::binary).write(bytes.data(), static_cast<std::streamsize>(length));
        CHECK_STATUS(LLATTE_LOAD_FAILED, try_load(model, cut, false));
    }
    auto context = fixture::context(model);
    fixture::check_usable(context);
}

CASE(what_cannot_be_set) {
    auto model   = fixture::load(model_file());
    auto other   = fixture::load(model_file());
    auto context = fixture::context(model);
    auto adapter = load(model, write("set", {}));
    auto foreign = load(other, write("foreign", {}));
    CHECK_STATUS(LLATTE_INVALID_ARGUMENT, set(context, { foreign.get() }, { 1 }));
    CHECK_STATUS(LLATTE_INVALID_ARGUMENT, set(context, { adapter.get() }, { NAN }));
    CHECK_STATUS(LLATTE_INVALID_ARGUMENT, set(context, { adapter.get(), adapter.get() }, { 1, 1 }));
    CHECK_STATUS(LLATTE_INVALID_ARGUMENT, set(context, { nullptr }, { 1 }));
    CHECK_STATUS(LLATTE_INVALID_ARGUMENT, llatte_context_set_adapters(context.get(), nullptr, nullptr, 1, &error()));
    CHECK_STATUS(LLATTE_INVALID_ARGUMENT, llatte_context_set_adapters(context.get(), nullptr, nullptr, -1, &error()));
    CHECK_STATUS(LLATTE_INVALID_ARGUMENT, llatte_context_set_adapters(nullptr, nullptr, nullptr, 0, &error()));
    fixture::check_usable(context);
}

CASE(a_control_vector_as_in_llama_cpp) {
    auto          model   = fixture::load(model_file());
    auto          context = fixture::context(model);
    const int32_t n_embd  = llama_model_n_embd(llatte_model_handle(model.get()));
    const int64_t size    = static_cast<int64_t>(llama_model_n_layer(llatte_model_handle(model.get())) - 1) * n_embd;
    std::vector<float> data(size);
    int64_t            length = 0;
    CHECK_OK(llatte_control_vector_read(model.get(), write_vector("vector").c_str(), data.data(), size, &length, &error()));
    CHECK(length == size && data[1] == std::sin(1.0f) && data[n_embd - 1] == std::sin(static_cast<float>(n_embd - 1)));
    CHECK_STATUS(LLATTE_BUFFER_TOO_SMALL,
                 llatte_control_vector_read(model.get(), write_vector("vector").c_str(), data.data(), size - 1, &length, &error()));

    reference  other;
    const auto plain = logits(context);
    CHECK_OK(llatte_context_set_control_vector(context.get(), data.data(), size, &error()));
    CHECK(llama_set_adapter_cvec(other.context, data.data(), size, n_embd, 1, llama_model_n_layer(other.model) - 1) == 0);
    const auto steered = logits(context);
    CHECK(steered == other.logits());
    CHECK(steered != plain);
    CHECK_OK(llatte_context_set_control_vector(context.get(), nullptr, 0, &error()));
    CHECK(logits(context) == plain);

    CHECK_STATUS(LLATTE_INVALID_ARGUMENT, llatte_context_set_control_vector(context.get(), data.data(), size - 1, &error()));
    data[0] = INFINITY;
    CHECK_STATUS(LLATTE_INVALID_ARGUMENT, llatte_context_set_control_vector(context.get(), data.data(), size, &error()));
    llatte_memory_entry entries[8];
    int32_t             count = 0;
    CHECK_OK(llatte_control_vector_plan(model.get(), entries, 8, &count, &error()));
    CHECK(count == 1 && entries[0].model_bytes >= size * 4);
}

CASE(files_that_are_no_control_vectors) {
    auto               model = fixture::load(model_file());
    std::vector<float> data(1 << 16);
    const auto         refused = [&](const std::string & path) {
        int64_t length = 0;
        CHECK_STATUS(LLATTE_LOAD_FAILED, llatte_control_vector_read(model.get(), path.c_str(), data.data(), data.size(), &length, &error()));
    };
    refused(write_vector("layer-0", "direction.0"));
    refused(write_vector("layer-9", "direction.99"));
    refused(write_vector("layer-huge", "direction.2000000000"));
    refused(write_vector("layer-none", "direction.x"));
    refused(write_vector("other-name", "blk.1"));
    refused(write_vector("wide", "direction.1", 7));
    refused(write_vector("half", "direction.1", 0, GGML_TYPE_F16));
    refused(model_file());
    refused("/nowhere/vector.gguf");
}

int main(int argc, char ** argv) {
    return fixture::main(argc, argv);
}
