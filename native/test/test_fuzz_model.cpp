// Seeded damage to a tiny model's file: whatever the bytes say, loading it, making a context, decoding and tokenizing end with a status.
// `test_fuzz_model BACKENDS MODELS SCRATCH [FILTER]`; LLATTE_FUZZ_MUTATIONS=n runs more of them, LLATTE_FUZZ_SEED=n others, and
// LLATTE_FUZZ_ONLY=i a single one again.
#include "fixture.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <random>

namespace {

int64_t from_environment(const char * name, int64_t otherwise) {
    const char * value = getenv(name);
    return value == nullptr ? otherwise : atoll(value);
}

std::vector<char> bytes_of(const std::string & path) {
    std::ifstream in(path, std::ios::binary);
    return { std::istreambuf_iterator<char>(in), {} };
}

// The bytes that say what the file is: everything before the tensors' data.
size_t header_size(const std::string & path) {
    gguf_context * gguf = nullptr;
    CHECK_OK(llatte_gguf_open(path.c_str(), &gguf, &check::error()));
    const size_t size = gguf_get_data_offset(gguf);
    llatte_gguf_free(gguf);
    return size;
}

// Values that are at the edge of something.
constexpr uint64_t interesting[] = { 0, 1, 2, 3, 7, 26, 0x7f, 0x80, 0xff, 0x100, 0x7fff, 0xffff, 0x10000, 0x7fffffff, 0x80000000, 0xffffffff,
                                     0x100000000, 0x7fffffffffffffff, 0x8000000000000000, 0xffffffffffffffff };

// Where the header keeps numbers: a mutation of these gets past the parser more often than one of any byte.
std::vector<size_t> value_offsets(const std::vector<char> & file, const std::string & path) {
    std::vector<size_t> offsets;
    gguf_context *      gguf = nullptr;
    CHECK_OK(llatte_gguf_open(path.c_str(), &gguf, &check::error()));
    auto after = [&](const std::string & name, size_t skip) {
        const std::string::size_type at = std::string_view(file.data(), file.size()).find(name);
        if (at != std::string_view::npos) {
            offsets.push_back(at + name.size() + skip);
        }
    };
    for (int64_t i = 0; i < gguf_get_n_kv(gguf); i++) {
        after(gguf_get_key(gguf, i), 4); // past the type
    }
    for (int64_t i = 0; i < gguf_get_n_tensors(gguf); i++) {
        for (size_t skip : { 0, 4, 12, 20, 28 }) { // the dimensions' number, the first dimensions, then the type or the offset
            after(gguf_get_tensor_name(gguf, i), skip);
        }
    }
    llatte_gguf_free(gguf);
    return offsets;
}

class mutator {
public:
    mutator(const std::string & path, uint64_t seed) : source(bytes_of(path)), header(header_size(path)), values(value_offsets(source, path)), random(seed) {}

    std::vector<char> next() {
        std::vector<char> file = source;
        switch (below(4)) {
            case 0: // bytes of the header
                for (size_t n = 1 + below(4); n > 0; n--) {
                    file[below(header)] = static_cast<char>(below(256));
                }
                break;
            case 1: { // a number
                const uint64_t value = interesting[below(std::size(interesting))];
                put(file, values[below(values.size())], value, below(2) == 0 ? 4 : 8);
                break;
            }
            case 2: { // one bit of a number
                const size_t at = values[below(values.size())] + below(4);
                file[at]        = static_cast<char>(file[at] ^ (1 << below(8)));
                break;
            }
            default:
                file.resize(below(2) == 0 ? below(header) : below(source.size()));
        }
        return file;
    }

private:
    size_t below(size_t limit) { return static_cast<size_t>(random() % limit); }

    static void put(std::vector<char> & file, size_t at, uint64_t value, size_t size) {
        if (at + size <= file.size()) {
            memcpy(file.data() + at, &value, size);
        }
    }

    std::vector<char>   source;
    size_t              header;
    std::vector<size_t> values;
    std::mt19937_64     random;
};

struct tally {
    int loaded  = 0;
    int decoded = 0;
    int spoken  = 0;
};

// Statuses do not matter here, only that there is one.
void use(const std::string & path, tally & count) {
    llama_model_params model_params = fixture::model_params();
    llatte_model *     model        = nullptr;
    if (llatte_model_load(path.c_str(), &model_params, nullptr, &model, &check::error()) != LLATTE_OK) {
        CHECK(check::error().message[0] != '\0');
        return;
    }
    count.loaded++;
    fixture::model_ptr   owner(model);
    int32_t              tokens[64];
    int32_t              n      = 0;
    char                 text[256];
    const int32_t        length = 11;
    llatte_context *     context = nullptr;
    llama_context_params params  = fixture::context_params();
    count.spoken += llatte_vocab_tokenize(model, "Hello world", length, tokens, 64, true, true, &n, &check::error()) == LLATTE_OK &&
                    llatte_vocab_detokenize(model, tokens, n, text, sizeof(text), false, true, &n, &check::error()) == LLATTE_OK;
    if (llatte_context_create(model, &params, nullptr, &context, &check::error()) != LLATTE_OK) {
        return;
    }
    fixture::context_ptr context_owner(context);
    fixture::batch       batch(8);
    for (int step = 0; step < 2; step++) {
        count.decoded += batch.decode(context_owner) == LLATTE_OK;
        batch = fixture::batch(1, 8);
    }
}

void damage(const std::string & source, int64_t mutations) {
    const int64_t     only = from_environment("LLATTE_FUZZ_ONLY", -1);
    const std::string path = fixture::where().scratch + "/damaged.gguf";
    mutator           mutate(source, static_cast<uint64_t>(from_environment("LLATTE_FUZZ_SEED", 20251)));
    tally             count;
    mutations = from_environment("LLATTE_FUZZ_MUTATIONS", mutations);
    for (int64_t i = 0; i < mutations; i++) {
        const auto file = mutate.next();
        if (only >= 0 && only != i) {
            continue;
        }
        if (only >= 0 || getenv("LLATTE_FUZZ_VERBOSE") != nullptr) {
            printf("    mutation %lld\n", static_cast<long long>(i));
            fflush(stdout);
        }
        std::ofstream(path, std::ios::binary | std::ios::trunc).write(file.data(), static_cast<std::streamsize>(file.size()));
        use(path, count);
    }
    std::filesystem::remove(path);
    printf("    of %lld damaged files %d loaded, %d batches were decoded, %d tokenized\n", static_cast<long long>(mutations), count.loaded,
           count.decoded, count.spoken);
}

} // namespace

CASE(damaged_transformer) {
    damage(fixture::speaking_model(), 300);
}

CASE(damaged_experts) {
    damage(fixture::model_path("llama-moe"), 100);
}

CASE(damaged_sliding_window) {
    damage(fixture::model_path("gemma3-dense"), 100);
}

CASE(damaged_recurrent_model) {
    damage(fixture::model_path("mamba-dense"), 100);
}

CASE(damaged_hybrid_model) {
    damage(fixture::model_path("falcon-h1-dense"), 100);
}

CASE(damaged_model_without_a_cache) {
    damage(fixture::model_path("llada-dense"), 100);
}

int main(int argc, char ** argv) {
    return fixture::main(argc, argv);
}
