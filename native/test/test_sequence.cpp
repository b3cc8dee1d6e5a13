// Sequences of the cache, and their saved states, on every kind of cache.
#include "fixture.h"

#include <cmath>
#include <cstring>
#if defined(__linux__)
#    include <sys/resource.h>
#endif

using check::error;
using fixture::batch;
using fixture::range_of;

namespace {

const char * const kinds[] = { "llama-dense", "gemma3-dense", "mamba-dense", "falcon-h1-dense" };

// A context whose sequence 0 holds positions 0 to 11.
struct filled {
    fixture::model_ptr   model;
    fixture::context_ptr context;
    bool                 recurrent;

    explicit filled(const char * name, bool unified = false) : model(fixture::load(fixture::model_path(name))) {
        auto params       = fixture::context_params();
        params.kv_unified = unified;
        params.swa_full   = false;
        context           = fixture::context(model, params);
        CHECK_OK(batch(12).decode(context));
        const llama_model * handle = llatte_model_handle(model.get());
        recurrent                  = llama_model_is_recurrent(handle) || llama_model_is_hybrid(handle);
    }

    llatte_context * get() const { return context.get(); }
    int32_t          remove(int32_t sequence, int32_t from, int32_t to) const {
        return llatte_sequence_remove(get(), sequence, from, to, &error());
    }
    int32_t last(int32_t sequence) const { return range_of(context, sequence).last; }
};

std::vector<uint8_t> saved(const filled & f, int32_t sequence) {
    int64_t size = 0;
    CHECK_OK(llatte_state_size(f.get(), sequence, &size, &error()));
    std::vector<uint8_t> bytes(size);
    int64_t              written = 0;
    CHECK_OK(llatte_state_save(f.get(), sequence, bytes.data(), size, &written, &error()));
    CHECK(written <= size);
    bytes.resize(written);
    return bytes;
}

int32_t restore(const filled & f, int32_t sequence, const std::vector<uint8_t> & bytes) {
    return llatte_state_restore(f.get(), sequence, bytes.data(), static_cast<int64_t>(bytes.size()), &error());
}

// The header's checksum, so that a test may alter what llama.cpp wrote behind it.
uint64_t checksum_of(const uint8_t * bytes, size_t length) {
    uint64_t hash = 0xcbf29ce484222325ull;
    size_t   i    = 0;
    for (; i + 8 <= length; i += 8) {
        uint64_t word;
        memcpy(&word, bytes + i, 8);
        hash = (hash ^ word) * 0x100000001b3ull;
        hash ^= hash >> 32;
    }
    for (; i < length; i++) {
        hash = (hash ^ bytes[i]) * 0x100000001b3ull;
    }
    return hash ^ (hash >> 29);
}

// Where a saved state says how many cells follow: 12 of attention with the first at position 0, or the one of recurrent layers, at position 11.
std::vector<size_t> counts_in(const std::vector<uint8_t> & state) {
    std::vector<size_t> found;
    for (size_t at = 32; at + 12 <= state.size(); at += 4) {
        uint32_t words[3];
        memcpy(words, state.data() + at, sizeof(words));
        if ((words[0] == 12 && words[1] == 0 && words[2] == 1) || (words[0] == 1 && words[1] == 11 && words[2] == 0)) {
            found.push_back(at);
        }
    }
    return found;
}

void forge(std::vector<uint8_t> & state, size_t at, uint32_t value) {
    memcpy(state.data() + at, &value, sizeof(value));
    const uint64_t sum = checksum_of(state.data() + 32, state.size() - 32);
    memcpy(state.data() + 16, &sum, sizeof(sum));
}

} // namespace

CASE(sequence_ids_out_of_range) {
    for (const char * kind : kinds) {
        filled  f(kind);
        int32_t first = 0;
        int32_t last  = 0;
        for (int32_t sequence : { -2, -1, 4, 256, INT32_MAX, INT32_MIN }) {
            CHECK_STATUS(LLATTE_INVALID_ARGUMENT, f.remove(sequence, -1, -1));
            CHECK_STATUS(LLATTE_INVALID_ARGUMENT, llatte_sequence_copy(f.get(), sequence, 1, -1, -1, &error()));
            CHECK_STATUS(LLATTE_INVALID_ARGUMENT, llatte_sequence_copy(f.get(), 0, sequence, -1, -1, &error()));
            CHECK_STATUS(LLATTE_INVALID_ARGUMENT, llatte_sequence_keep(f.get(), sequence, &error()));
            CHECK_STATUS(LLATTE_INVALID_ARGUMENT, llatte_sequence_shift(f.get(), sequence, 0, -1, 1, &error()));
            CHECK_STATUS(LLATTE_INVALID_ARGUMENT, llatte_sequence_divide(f.get(), sequence, 0, -1, 2, &error()));
            CHECK_STATUS(LLATTE_INVALID_ARGUMENT, llatte_sequence_range(f.get(), sequence, &first, &last, &error()));
        }
        CHECK(f.last(0) == 11);
    }
}

CASE(null_context_and_null_results) {
    filled  f("llama-dense");
    int32_t position = 0;
    CHECK_STATUS(LLATTE_INVALID_ARGUMENT, llatte_sequence_remove(nullptr, 0, -1, -1, &error()));
    CHECK_STATUS(LLATTE_INVALID_ARGUMENT, llatte_sequence_range(f.get(), 0, nullptr, &position, &error()));
    CHECK_STATUS(LLATTE_INVALID_ARGUMENT, llatte_sequence_range(f.get(), 0, &position, nullptr, &error()));
    CHECK_STATUS(LLATTE_INVALID_ARGUMENT, llatte_context_clear(nullptr, &error()));
}

CASE(a_model_without_a_cache_has_no_sequences) {
    auto    model   = fixture::load(fixture::model_path("llada-dense"));
    auto    context = fixture::context(model);
    int32_t first   = 0;
    int64_t size    = 0;
    uint8_t byte    = 0;
    CHECK_STATUS(LLATTE_INVALID_STATE, llatte_sequence_range(context.get(), 0, &first, &first, &error()));
    CHECK_STATUS(LLATTE_INVALID_STATE, llatte_sequence_remove(context.get(), 0, -1, -1, &error()));
    CHECK_STATUS(LLATTE_INVALID_STATE, llatte_context_clear(context.get(), &error()));
    CHECK_STATUS(LLATTE_INVALID_STATE, llatte_state_size(context.get(), 0, &size, &error()));
    CHECK_STATUS(LLATTE_INVALID_STATE, llatte_state_restore(context.get(), 0, &byte, 1, &error()));
}

CASE(recurrent_removal_of_a_whole_sequence) {
    for (const char * kind : kinds) {
        filled f(kind);
        CHECK_OK(batch(6, 0, 1).decode(f.context));
        CHECK_OK(f.remove(0, -1, -1));
        CHECK(f.last(0) == -1 && f.last(1) == 5);
        CHECK_OK(f.remove(0, -1, -1)); // an empty one
        CHECK_OK(f.remove(1, 0, 6));   // whole, said with positions
        CHECK(f.last(1) == -1);
        CHECK_OK(batch(12).decode(f.context));
    }
}

CASE(removal_of_an_end_is_done_or_refused_never_widened) {
    for (const char * kind : kinds) {
        filled        f(kind);
        const int32_t status = f.remove(0, 8, -1);
        CHECK_STATUS(f.recurrent ? LLATTE_INVALID_STATE : LLATTE_OK, status);
        CHECK(f.last(0) == (f.recurrent ? 11 : 7));
        CHECK_OK(batch(2, f.last(0) + 1).decode(f.context));
    }
}

CASE(removal_of_a_start_or_a_middle_is_done_or_refused) {
    for (const char * kind : kinds) {
        for (int32_t from : { 0, 4 }) {
            filled f(kind);
            CHECK_STATUS(f.recurrent ? LLATTE_INVALID_STATE : LLATTE_OK, f.remove(0, from, 8));
            CHECK(f.last(0) == 11);
        }
    }
}

CASE(removal_outside_the_sequence_changes_nothing) {
    for (const char * kind : kinds) {
        filled f(kind);
        CHECK_OK(f.remove(0, 12, -1));
        CHECK_OK(f.remove(0, INT32_MAX, -1));
        CHECK_OK(f.remove(0, 5, 5));
        CHECK_OK(f.remove(0, 8, 3));
        CHECK_OK(f.remove(1, 3, 5));
        CHECK(f.last(0) == 11);
    }
}

CASE(removal_that_a_sliding_window_has_forgotten) {
    filled f("gemma3-dense"); // a window of 32
    auto   params    = fixture::context_params();
    params.n_seq_max = 1;
    params.n_ctx     = 2048;
    params.swa_full  = false;
    f.context        = fixture::context(f.model, params);
    for (int32_t at = 0; at < 1024; at += 32) {
        CHECK_OK(batch(32, at).decode(f.context));
    }
    CHECK(range_of(f.context, 0).first > 0);
    const auto before = range_of(f.context, 0);
    CHECK_STATUS(LLATTE_INVALID_STATE, f.remove(0, 10, -1));
    const auto after = range_of(f.context, 0);
    CHECK(before.first == after.first && before.last == after.last);
    CHECK_OK(f.remove(0, -1, -1));
    CHECK(f.last(0) == -1);
}

CASE(partial_copies) {
    for (const char * kind : kinds) {
        for (bool unified : { false, true }) {
            filled f(kind, unified);
            CHECK_STATUS(LLATTE_INVALID_STATE, llatte_sequence_copy(f.get(), 0, 1, 0, 5, &error()));
            CHECK(f.last(1) == -1);
            CHECK_OK(llatte_sequence_copy(f.get(), 0, 1, -1, -1, &error()));
            CHECK(f.last(1) == 11);
            CHECK_OK(llatte_sequence_copy(f.get(), 0, 0, -1, -1, &error()));
            CHECK_OK(llatte_sequence_copy(f.get(), 3, 2, -1, -1, &error())); // an empty one
            CHECK_OK(batch(2, 12, 1).decode(f.context));
            CHECK_OK(batch(2, 12, 0).decode(f.context));
        }
    }
}

CASE(a_copy_replaces_what_the_destination_held) {
    for (const char * kind : kinds) {
        for (bool unified : { false, true }) {
            filled f(kind, unified);
            CHECK_OK(batch(20, 0, 1).decode(f.context));
            CHECK_OK(llatte_sequence_copy(f.get(), 0, 1, -1, -1, &error()));
            CHECK(f.last(1) == 11);
            CHECK_OK(batch(2, 12, 1).decode(f.context));
        }
    }
}

CASE(a_copied_sequence_goes_on_as_its_source) {
    for (const char * kind : kinds) {
        filled f(kind);
        CHECK_OK(llatte_sequence_copy(f.get(), 0, 2, -1, -1, &error()));
        CHECK_OK(batch(1, 12, 0).decode(f.context));
        const auto source = fixture::logits(f.context, f.model);
        CHECK_OK(batch(1, 12, 2).decode(f.context));
        const auto copy = fixture::logits(f.context, f.model);
        for (size_t i = 0; i < source.size(); i++) {
            CHECK(std::fabs(source[i] - copy[i]) < 1e-3f);
        }
    }
}

CASE(keep_one_of_several) {
    for (const char * kind : kinds) {
        filled f(kind);
        CHECK_OK(batch(5, 0, 1).decode(f.context));
        CHECK_OK(batch(5, 0, 3).decode(f.context));
        CHECK_OK(llatte_sequence_keep(f.get(), 1, &error()));
        CHECK(f.last(0) == -1 && f.last(1) == 4 && f.last(3) == -1);
    }
}

CASE(shifts_that_the_model_can_and_cannot_do) {
    for (const char * kind : kinds) {
        filled        f(kind);
        const int32_t status = llatte_sequence_shift(f.get(), 0, 4, -1, 3, &error());
        CHECK(status == (f.recurrent ? LLATTE_INVALID_STATE : status));
        CHECK(status == LLATTE_OK || status == LLATTE_INVALID_STATE);
        CHECK(f.last(0) == (status == LLATTE_OK ? 14 : 11));
        CHECK_OK(batch(2, f.last(0) + 1).decode(f.context)); // runs the shift's graph
    }
}

CASE(shifts_of_positions_that_are_several) {
    filled f("qwen2vl-dense");
    CHECK_STATUS(LLATTE_INVALID_STATE, llatte_sequence_shift(f.get(), 0, 4, -1, 3, &error()));
    CHECK_STATUS(LLATTE_INVALID_STATE, llatte_sequence_divide(f.get(), 0, 0, -1, 2, &error()));
    CHECK_OK(batch(2, 12).decode(f.context));
}

CASE(shifts_out_of_range) {
    filled f("llama-dense");
    CHECK_STATUS(LLATTE_INVALID_ARGUMENT, llatte_sequence_shift(f.get(), 0, 0, -1, -1, &error()));
    CHECK_STATUS(LLATTE_INVALID_ARGUMENT, llatte_sequence_shift(f.get(), 0, 0, -1, INT32_MAX, &error()));
    CHECK_STATUS(LLATTE_INVALID_ARGUMENT, llatte_sequence_shift(f.get(), 0, 0, -1, INT32_MIN, &error()));
    CHECK_STATUS(LLATTE_INVALID_ARGUMENT, llatte_sequence_shift(f.get(), 0, 4, -1, -5, &error()));
    CHECK_OK(llatte_sequence_shift(f.get(), 0, 4, -1, 0, &error()));
    CHECK_OK(llatte_sequence_shift(f.get(), 2, 0, -1, -4, &error())); // an empty one
    CHECK(f.last(0) == 11);
}

CASE(division_by_zero) {
    for (const char * kind : kinds) {
        filled f(kind);
        for (int32_t divisor : { 0, -1, INT32_MIN }) {
            CHECK_STATUS(LLATTE_INVALID_ARGUMENT, llatte_sequence_divide(f.get(), 0, 0, -1, divisor, &error()));
        }
        const int32_t status = llatte_sequence_divide(f.get(), 0, 0, -1, 2, &error());
        CHECK(status == LLATTE_OK || status == LLATTE_INVALID_STATE);
        CHECK(f.last(0) == (status == LLATTE_OK ? 5 : 11));
        CHECK_OK(batch(2, f.last(0) + 1).decode(f.context));
    }
}

CASE(a_saved_state_goes_on_where_it_was) {
    for (const char * kind : kinds) {
        filled     f(kind);
        const auto bytes = saved(f, 0);
        CHECK_OK(batch(1, 12).decode(f.context));
        const auto expected = fixture::logits(f.context, f.model);
        for (int32_t sequence : { 0, 3 }) {
            CHECK_OK(restore(f, sequence, bytes));
            CHECK(f.last(sequence) == 11);
            batch next(1, 12, sequence);
            CHECK_OK(next.decode(f.context));
            const auto again = fixture::logits(f.context, f.model);
            for (size_t i = 0; i < expected.size(); i++) {
                CHECK(std::fabs(expected[i] - again[i]) < 1e-3f);
            }
        }
    }
}

CASE(state_of_a_sequence_out_of_range) {
    filled     f("llama-dense");
    const auto bytes = saved(f, 0);
    int64_t    size  = 0;
    uint8_t    byte[64];
    for (int32_t sequence : { -1, 4, INT32_MAX, INT32_MIN }) {
        CHECK_STATUS(LLATTE_INVALID_ARGUMENT, restore(f, sequence, bytes));
        CHECK_STATUS(LLATTE_INVALID_ARGUMENT, llatte_state_size(f.get(), sequence, &size, &error()));
        CHECK_STATUS(LLATTE_INVALID_ARGUMENT, llatte_state_save(f.get(), sequence, byte, sizeof(byte), &size, &error()));
    }
    CHECK_STATUS(LLATTE_BUFFER_TOO_SMALL, llatte_state_save(f.get(), 0, byte, sizeof(byte), &size, &error()));
    CHECK_STATUS(LLATTE_BUFFER_TOO_SMALL, llatte_state_save(f.get(), 0, byte, -1, &size, &error()));
    CHECK_STATUS(LLATTE_INVALID_ARGUMENT, llatte_state_save(f.get(), 0, nullptr, 0, &size, &error()));
    CHECK_STATUS(LLATTE_INVALID_ARGUMENT, llatte_state_restore(f.get(), 0, nullptr, 5, &error()));
}

CASE(state_of_an_empty_sequence) {
    for (const char * kind : kinds) {
        filled     f(kind);
        const auto bytes = saved(f, 2);
        CHECK_OK(restore(f, 2, bytes));
        CHECK(f.last(2) == -1 && f.last(0) == 11);
    }
}

CASE(a_truncated_state) {
    filled     f("llama-dense");
    const auto bytes = saved(f, 0);
    for (size_t length : { size_t(0), size_t(1), size_t(31), size_t(32), size_t(40), bytes.size() / 2, bytes.size() - 1 }) {
        std::vector<uint8_t> cut(bytes.begin(), bytes.begin() + length);
        cut.reserve(1);
        CHECK_STATUS(LLATTE_STATE_CORRUPT, restore(f, 0, cut));
    }
    CHECK_STATUS(LLATTE_STATE_CORRUPT, llatte_state_restore(f.get(), 0, bytes.data(), -1, &error()));
    auto longer = bytes;
    longer.push_back(0);
    CHECK_STATUS(LLATTE_STATE_CORRUPT, restore(f, 0, longer));
    CHECK(f.last(0) == 11);
}

CASE(a_corrupt_state) {
    for (const char * kind : kinds) {
        filled       f(kind);
        const auto   bytes = saved(f, 0);
        const size_t step  = bytes.size() / 97 + 1;
        for (size_t i = 0; i < bytes.size(); i += i < 128 ? 1 : step) {
            auto altered = bytes;
            altered[i] ^= 0x10;
            CHECK_STATUS(LLATTE_STATE_CORRUPT, restore(f, 0, altered));
        }
        CHECK(f.last(0) == 11);
        CHECK_OK(batch(1, 12).decode(f.context));
    }
}

CASE(a_state_of_another_model_or_another_cache) {
    filled     llama("llama-dense");
    filled     mamba("mamba-dense");
    const auto bytes = saved(mamba, 0);
    CHECK_STATUS(LLATTE_STATE_CORRUPT, restore(llama, 0, bytes));
    CHECK(llama.last(0) == 11);

    auto params            = fixture::context_params();
    params.type_k          = GGML_TYPE_F32;
    params.type_v          = GGML_TYPE_F32;
    filled narrow("llama-dense");
    const auto half = saved(narrow, 0);
    narrow.context  = fixture::context(narrow.model, params);
    CHECK_STATUS(LLATTE_STATE_CORRUPT, restore(narrow, 0, half));
    fixture::check_usable(narrow.context);
}

CASE(a_state_larger_than_the_cache) {
    auto params      = fixture::context_params();
    params.n_seq_max = 1;
    params.n_ctx     = 512;
    filled large("llama-dense");
    large.context = fixture::context(large.model, params);
    for (int32_t at = 0; at < 512; at += 32) {
        CHECK_OK(batch(32, at).decode(large.context));
    }
    const auto bytes = saved(large, 0);
    params.n_ctx     = 256;
    large.context    = fixture::context(large.model, params);
    CHECK_STATUS(LLATTE_STATE_CORRUPT, restore(large, 0, bytes));
    fixture::check_usable(large.context);
}

// Forged, not damaged: the checksum is right, and llama.cpp reads counts and positions that are wrong. It may refuse or accept; it must come
// back, and must not take the machine's memory.
CASE(a_forged_state) {
    if (fixture::sanitized) {
        return; // its operator new ends the process where the real one throws bad_alloc
    }
    for (const char * kind : kinds) {
        filled     f(kind);
        const auto bytes = saved(f, 0);
        for (size_t at = 32; at < 96; at += 4) {
            for (uint32_t value : { 0u, 1u, 0x7fffffffu, 0xffffffffu }) {
                auto forged = bytes;
                forge(forged, at, value);
                restore(f, 0, forged);
                llatte_error ignored;
                llatte_context_clear(f.get(), &ignored);
                if (batch(2).decode(f.context) != LLATTE_OK) {
                    f = filled(kind);
                }
                llatte_context_clear(f.get(), &ignored);
            }
        }
    }
}

#if defined(__linux__)
CASE(a_forged_number_of_cells_takes_no_memory) {
    constexpr uint32_t cells = 1u << 24;
    for (const char * kind : kinds) {
        filled     f(kind);
        const auto bytes = saved(f, 0);
        const auto at    = counts_in(bytes);
        CHECK(!at.empty());
        for (size_t count : at) {
            auto forged = bytes;
            forge(forged, count, cells);
            rusage before{};
            rusage after{};
            getrusage(RUSAGE_SELF, &before);
            CHECK_STATUS(LLATTE_STATE_CORRUPT, restore(f, 0, forged));
            getrusage(RUSAGE_SELF, &after);
            CHECK(after.ru_maxrss - before.ru_maxrss < static_cast<long>(cells / 1024));
            CHECK_OK(llatte_context_clear(f.get(), &error()));
            CHECK_OK(batch(2).decode(f.context));
        }
    }
}
#endif

CASE(a_forged_position_is_refused) {
    for (const char * kind : kinds) {
        filled     f(kind);
        const auto bytes = saved(f, 0);
        for (size_t count : counts_in(bytes)) {
            for (int32_t position : { -7, -1, INT32_MIN, INT32_MAX }) {
                auto forged = bytes;
                forge(forged, count + 4, static_cast<uint32_t>(position));
                CHECK_STATUS(LLATTE_STATE_CORRUPT, restore(f, 0, forged));
                CHECK(f.last(0) == -1);
                CHECK_OK(batch(2).decode(f.context));
                CHECK_OK(llatte_context_clear(f.get(), &error()));
            }
        }
    }
}

int main(int argc, char ** argv) {
    return fixture::main(argc, argv);
}
