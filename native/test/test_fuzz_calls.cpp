// Seeded random calls on living contexts: batches, sequences, states and samplers with arguments that are right, at an edge, or absurd. None may
// end the process, and none may reach an assertion of llama.cpp's (LLATTE_INTERNAL): that is a check the shim lacks.
// LLATTE_FUZZ_CALLS=n makes more calls, LLATTE_FUZZ_SEED=n others; LLATTE_FUZZ_VERBOSE names each call before it is made.
#include "fixture.h"

#include <cstdlib>
#include <random>

namespace {

int64_t from_environment(const char * name, int64_t otherwise) {
    const char * value = getenv(name);
    return value == nullptr ? otherwise : atoll(value);
}

class caller {
public:
    caller(const fixture::model_ptr & of, const llama_context_params & with, uint64_t seed)
        : model(of), params(with), context(fixture::context(of, with)), random(seed), verbose(getenv("LLATTE_FUZZ_VERBOSE") != nullptr) {}

    void call() {
        switch (below(16)) {
            case 0: return report("remove", llatte_sequence_remove(context.get(), sequence(), position(), position(), &check::error()));
            case 1: return report("copy", llatte_sequence_copy(context.get(), sequence(), sequence(), position(), position(), &check::error()));
            case 2: return report("keep", llatte_sequence_keep(context.get(), sequence(), &check::error()));
            case 3: return report("shift", llatte_sequence_shift(context.get(), sequence(), position(), position(), position() - 100, &check::error()));
            case 4: return report("divide", llatte_sequence_divide(context.get(), sequence(), position(), position(), count(5), &check::error()));
            case 5: return read();
            case 6: return save();
            case 7: return restore();
            case 8: return set();
            default: return decode();
        }
    }

    int decoded = 0;

private:
    int32_t below(int32_t limit) { return static_cast<int32_t>(random() % static_cast<uint64_t>(limit)); }

    // Mostly from 0 to below `limit`; sometimes what nobody meant.
    int32_t count(int32_t limit) {
        constexpr int32_t edges[] = { -1, -2, INT32_MIN, INT32_MAX, 512, 65536 };
        return below(24) == 0 ? edges[below(std::size(edges))] : below(24) == 0 ? limit : below(limit);
    }
    int32_t sequence() { return count(static_cast<int32_t>(params.n_seq_max)); }
    int32_t position() { return below(3) == 0 ? -1 : count(300); }

    void report(const char * what, int32_t status) {
        if (verbose) {
            printf("    %s: %d %s\n", what, status, status == LLATTE_OK ? "" : check::error().message);
            fflush(stdout);
        }
        if (status == LLATTE_INTERNAL || status == LLATTE_POISONED) {
            check::failed(__FILE__, __LINE__, std::string(what) + ": " + check::error().message);
        }
    }

    // Goes on behind what a sequence holds, as callers do; sometimes elsewhere.
    void decode() {
        const int32_t  n = 1 + below(static_cast<int32_t>(params.n_batch) + 1);
        fixture::batch batch(0);
        batch.stride = 1 + below(3);
        const int32_t  lanes = 1 + below(3);
        std::vector<int32_t> next;
        for (int32_t lane = 0; lane < lanes; lane++) {
            int32_t first = -1;
            int32_t last  = -1;
            llatte_sequence_range(context.get(), lane % static_cast<int32_t>(params.n_seq_max), &first, &last, &check::error());
            next.push_back(below(12) == 0 ? position() : last + 1);
        }
        for (int32_t i = 0; i < n; i++) {
            const int32_t lane = i * lanes / n;
            batch.tokens.push_back(below(200) == 0 ? count(128) : below(128));
            batch.positions.push_back(next[lane]++);
            batch.sequence_counts.push_back(below(40) == 0 ? count(batch.stride + 1) : 1);
            batch.outputs.push_back(i == n - 1 || below(8) == 0);
            for (int32_t s = 0; s < batch.stride; s++) {
                batch.sequences.push_back(below(100) == 0 ? sequence() : (lane + s) % static_cast<int32_t>(params.n_seq_max));
            }
        }
        if (verbose) {
            printf("    decode %d tokens, %d lanes\n", n, lanes);
            fflush(stdout);
        }
        const int32_t status = below(30) == 0 ? batch.encode(context) : batch.decode(context);
        decoded += status == LLATTE_OK;
        report("decode", status);
        if (status == LLATTE_CONTEXT_FULL) {
            report("clear", llatte_context_clear(context.get(), &check::error()));
        }
    }

    void read() {
        const float * floats = nullptr;
        int32_t       length = 0;
        report("logits", llatte_context_logits(context.get(), count(40), &floats, &check::error()));
        llatte_logprobs logprobs{};
        logprobs.wanted = count(25);
        report("logprobs", llatte_context_logprobs(context.get(), count(40), count(128), &logprobs, &check::error()));
        report("embeddings", llatte_context_embeddings(context.get(), count(40), &floats, &length, &check::error()));
        report("sequence embeddings", llatte_context_sequence_embeddings(context.get(), sequence(), &floats, &length, &check::error()));
    }

    void save() {
        const int32_t from = sequence();
        int64_t       size = 0;
        if (llatte_state_size(context.get(), from, &size, &check::error()) != LLATTE_OK) {
            return;
        }
        std::vector<uint8_t> bytes(static_cast<size_t>(size));
        int64_t              written = 0;
        report("save", llatte_state_save(context.get(), from, bytes.data(), size, &written, &check::error()));
        bytes.resize(static_cast<size_t>(written));
        state = bytes;
    }

    void restore() {
        auto bytes = state;
        if (!bytes.empty() && below(2) == 0) {
            bytes[static_cast<size_t>(below(static_cast<int32_t>(bytes.size())))] ^= 1;
        }
        report("restore", llatte_state_restore(context.get(), sequence(), bytes.data(), static_cast<int64_t>(bytes.size()), &check::error()));
    }

    void set() {
        switch (below(8)) {
            case 0: return report("clear", llatte_context_clear(context.get(), &check::error()));
            case 1: return report("threads", llatte_context_set_threads(context.get(), count(3), count(3), &check::error()));
            case 2: return report("causal", llatte_context_set_causal(context.get(), below(2) == 0, &check::error()));
            case 3: return report("embeddings", llatte_context_set_embeddings(context.get(), below(2) == 0, &check::error()));
            default: return report("synchronize", llatte_context_synchronize(context.get(), &check::error()));
        }
    }

    const fixture::model_ptr & model;
    llama_context_params       params;
    fixture::context_ptr       context;
    std::mt19937_64            random;
    std::vector<uint8_t>       state;
    bool                       verbose;
};

void call(const std::string & name, void (*change)(llama_context_params &) = [](llama_context_params &) {}) {
    const auto           model  = fixture::load(fixture::model_path(name));
    llama_context_params params = fixture::context_params();
    change(params);
    caller        random(model, params, static_cast<uint64_t>(from_environment("LLATTE_FUZZ_SEED", 4)));
    const int64_t calls = from_environment("LLATTE_FUZZ_CALLS", 400);
    for (int64_t i = 0; i < calls; i++) {
        random.call();
    }
    printf("    of %lld calls %d decoded\n", static_cast<long long>(calls), random.decoded);
    CHECK(random.decoded > 0);
}

// Speculators of every kind, on a context that decodes beside them what they may or may not have been told.
class speculating {
public:
    speculating(const char * name, uint64_t seed) : random(seed) {
        auto params     = fixture::model_params();
        params.load_mtp = true;
        model           = fixture::load(fixture::model_path(name), params);
        target          = context(false);
        other           = context(false);
        if (llama_model_n_layer_nextn(llatte_model_handle(model.get())) > 0) {
            layers = context(true);
        }
    }
    ~speculating() { llatte_speculator_free(one); }

    void call() {
        // Mostly as long as what the target holds, which is what MTP layers can go on from.
        const auto history = tokens(below(50) == 0 ? below(400) : held);
        const auto length  = static_cast<int32_t>(history.size());
        int32_t    drafted = 0;
        switch (one == nullptr || below(40) == 0 ? 0 : 1 + below(8)) {
            case 0: return create();
            case 1: return report("begin", llatte_speculator_begin(one, history.data(), below(length + 1), &check::error()));
            case 2: return report("accept", llatte_speculator_accept(one, below(10), &check::error()));
            case 3:
            case 4:
            case 5:
                report("draft", llatte_speculator_draft(one, history.data(), length, below(130) - 1, draft, below(65), &drafted, &check::error()));
                drafts += drafted > 0;
                return;
            default: return decode();
        }
    }

    int drafts = 0;

private:
    int32_t below(int32_t limit) { return static_cast<int32_t>(random() % static_cast<uint64_t>(limit)); }

    fixture::context_ptr context(bool mtp) {
        auto params      = fixture::context_params();
        params.n_seq_max = 1;
        params.n_rs_seq  = 8;
        params.ctx_type  = mtp ? LLAMA_CONTEXT_TYPE_MTP : LLAMA_CONTEXT_TYPE_DEFAULT;
        return fixture::context(model, params);
    }

    // What repeats, and now and then does not.
    std::vector<int32_t> tokens(int32_t count) {
        std::vector<int32_t> made(count);
        for (int32_t i = 0; i < count; i++) {
            made[i] = below(100) == 0 ? below(129) : 3 + i % 7;
        }
        return made;
    }

    void create() {
        llatte_speculator_free(one);
        one                    = nullptr;
        const int32_t    kind  = below(5);
        llatte_context * draft = kind == LLATTE_DRAFT_MODEL ? other.get() : kind == LLATTE_DRAFT_MTP ? layers.get() : nullptr;
        report("create", llatte_speculator_create(target.get(), draft, kind, 1 + below(12), 1 + below(8), below(2) * 0.3f, &one, &check::error()));
    }

    void decode() {
        int32_t first = 0;
        int32_t last  = 0;
        report("range", llatte_sequence_range(target.get(), 0, &first, &last, &check::error()));
        if (below(3) == 0) {
            report("remove", llatte_sequence_remove(target.get(), 0, below(last + 2), -1, &check::error()));
            report("range", llatte_sequence_range(target.get(), 0, &first, &last, &check::error()));
        }
        fixture::batch batch(1 + below(20), last + 1);
        const int32_t  status = batch.decode(target);
        report("decode", status);
        held = status == LLATTE_OK ? last + 1 + batch.size() : 0;
        if (status != LLATTE_OK) {
            report("clear", llatte_context_clear(target.get(), &check::error()));
        } else if (below(5) > 0) {
            const int32_t count = below(5) == 0 ? below(batch.size() + 1) : batch.size();
            report("process", llatte_speculator_process(one, batch.tokens.data(), count, below(9) == 0 ? below(300) : last + 1, &check::error()));
        }
    }

    void report(const char * what, int32_t status) {
        if (status == LLATTE_INTERNAL || status == LLATTE_POISONED) {
            check::failed(__FILE__, __LINE__, std::string(what) + ": " + check::error().message);
        }
    }

    std::mt19937_64      random;
    fixture::model_ptr   model;
    fixture::context_ptr target;
    fixture::context_ptr other;
    fixture::context_ptr layers;
    llatte_speculator *  one  = nullptr;
    int32_t              held = 0;
    int32_t              draft[65];
};

int speculate(const char * name) {
    speculating   random(name, static_cast<uint64_t>(from_environment("LLATTE_FUZZ_SEED", 4)));
    const int64_t calls = 2 * from_environment("LLATTE_FUZZ_CALLS", 400);
    for (int64_t i = 0; i < calls; i++) {
        random.call();
    }
    printf("    of %lld calls %d drafted\n", static_cast<long long>(calls), random.drafts);
    return random.drafts;
}

void unified(llama_context_params & params) {
    params.kv_unified = true;
}

} // namespace

CASE(random_calls_on_a_transformer) {
    call("llama-dense");
}

CASE(random_calls_on_a_unified_cache) {
    call("llama-dense", unified);
}

CASE(random_calls_on_a_quantised_cache) {
    call("llama-dense", [](llama_context_params & params) {
        params.type_k = params.type_v = GGML_TYPE_Q8_0;
        params.flash_attn_type        = LLAMA_FLASH_ATTN_TYPE_ENABLED;
    });
}

CASE(random_calls_on_pooled_embeddings) {
    call("llama-dense", [](llama_context_params & params) {
        params.embeddings   = true;
        params.pooling_type = LLAMA_POOLING_TYPE_MEAN;
    });
}

CASE(random_calls_on_few_outputs) {
    call("llama-dense", [](llama_context_params & params) { params.n_outputs_max = 4; });
}

CASE(random_calls_on_experts) {
    call("llama-moe", unified);
}

CASE(random_calls_on_a_sliding_window) {
    call("gemma3-dense");
    call("gemma3-dense", unified);
    call("gemma3-dense", [](llama_context_params & params) { params.swa_full = false; });
}

CASE(random_calls_on_a_recurrent_model) {
    call("mamba-dense");
}

CASE(random_calls_on_a_hybrid_model) {
    call("falcon-h1-dense");
    call("falcon-h1-dense", unified);
}

CASE(random_calls_on_speculators) {
    CHECK(speculate("llama-dense") + speculate("gemma3-dense") + speculate("glm4moe-moe-mtp") + speculate("qwen35-dense-mtp") > 0);
}

CASE(random_calls_without_a_cache) {
    call("llada-dense");
}

int main(int argc, char ** argv) {
    return fixture::main(argc, argv);
}
