#include "handles.h"

#include <algorithm>

namespace llatte {

namespace {

llama_memory_t memory_of(llatte_context * context) {
    llama_memory_t memory = llama_get_memory(context->handle);
    if (memory == nullptr) {
        fail(LLATTE_INVALID_STATE, "the model keeps no KV cache");
    }
    return memory;
}

// Whether a range leaves something of the sequence. By what the sequence was, not by what the cache still holds of it: recurrent layers keep
// the last state alone, and a sliding window the last tokens.
bool is_partial(llama_memory_t memory, int32_t sequence, int32_t from, int32_t to) {
    const llama_pos last = llama_memory_seq_pos_max(memory, sequence);
    return last >= 0 && (from > 0 || (to >= 0 && to <= last));
}

// Tokens after a cut look back over the window: it must still be there.
void require_window(llatte_context * context, llama_memory_t memory, int32_t sequence, int32_t from) {
    const int32_t window = llama_model_n_swa(context->model->handle);
    const int32_t needed = std::max(0, from - window);
    if (window > 0 && from <= llama_memory_seq_pos_max(memory, sequence) && llama_memory_seq_pos_min(memory, sequence) > needed) {
        fail(LLATTE_INVALID_STATE, format("the sliding window of sequence %d has moved on: a cut at position %d needs position %d, and the first "
                                          "that is left is %d", sequence, from, needed, llama_memory_seq_pos_min(memory, sequence)),
             needed, llama_memory_seq_pos_min(memory, sequence));
    }
}

void require_shift(llatte_context * context, llama_memory_t memory) {
    if (!context->shifts) {
        fail(LLATTE_INVALID_STATE, "the positions of a BF16 cache cannot be shifted");
    }
    if (!llama_memory_can_shift(memory)) {
        fail(LLATTE_INVALID_STATE, "the positions of this model's cache cannot be shifted");
    }
    if (is_recurrent(context)) {
        fail(LLATTE_INVALID_STATE, "a recurrent state has no positions to shift");
    }
}

} // namespace

bool is_recurrent(const llatte_context * context) {
    return llama_model_is_recurrent(context->model->handle) || llama_model_is_hybrid(context->model->handle);
}

} // namespace llatte

using llatte::guarded_context;

int32_t llatte_sequence_remove(llatte_context * context, int32_t sequence, int32_t from, int32_t to, llatte_error * error) {
    return guarded_context(context, error, [&] {
        llatte::require_sequence(context, "sequence", sequence);
        llama_memory_t memory = llatte::memory_of(context);
        from                  = from < 0 ? 0 : from;
        if (to >= 0 && to <= from) {
            return;
        }
        // Whole sequences are removed by the call that no cache refuses: a recurrent one keeps its state where a range is asked for.
        const bool partial = llatte::is_partial(memory, sequence, from, to);
        if (partial && from > 0) {
            llatte::require_window(context, memory, sequence, from);
        }
        // llama.cpp says yes here and changes nothing.
        if (partial && to >= 0 && to <= llama_memory_seq_pos_max(memory, sequence) && llatte::is_recurrent(context)) {
            llatte::fail(LLATTE_INVALID_STATE, llatte::format("only the end of sequence %d could be cut off its recurrent state", sequence), to);
        }
        if (!llama_memory_seq_rm(memory, sequence, partial ? from : -1, partial ? to : -1)) {
            llatte::fail(LLATTE_INVALID_STATE, llatte::format("the cache of sequence %d cannot be cut to positions below %d", sequence, from), from);
        }
    });
}

int32_t llatte_sequence_copy(llatte_context * context, int32_t source, int32_t destination, int32_t from, int32_t to, llatte_error * error) {
    return guarded_context(context, error, [&] {
        llatte::require_sequence(context, "source", source);
        llatte::require_sequence(context, "destination", destination);
        llama_memory_t memory = llatte::memory_of(context);
        if (source == destination) {
            return;
        }
        // Caches with a part of their own for each sequence abort on a partial copy.
        if (llatte::is_partial(memory, source, from < 0 ? 0 : from, to)) {
            llatte::fail(LLATTE_INVALID_STATE, "only a whole sequence can be copied");
        }
        llama_memory_seq_rm(memory, destination, -1, -1);
        llama_memory_seq_cp(memory, source, destination, -1, -1);
    });
}

int32_t llatte_sequence_keep(llatte_context * context, int32_t sequence, llatte_error * error) {
    return guarded_context(context, error, [&] {
        llatte::require_sequence(context, "sequence", sequence);
        llama_memory_t memory = llatte::memory_of(context);
        for (int32_t other = 0; other < context->n_seq_max; other++) {
            if (other != sequence) {
                llama_memory_seq_rm(memory, other, -1, -1);
            }
        }
    });
}

int32_t llatte_sequence_shift(llatte_context * context, int32_t sequence, int32_t from, int32_t to, int32_t delta, llatte_error * error) {
    return guarded_context(context, error, [&] {
        llatte::require_sequence(context, "sequence", sequence);
        llama_memory_t memory = llatte::memory_of(context);
        llatte::require_shift(context, memory);
        const int64_t first = std::max<int64_t>(from, llama_memory_seq_pos_min(memory, sequence));
        const int64_t last  = llama_memory_seq_pos_max(memory, sequence);
        if (last < first) {
            return;
        }
        if (first + delta < 0 || last + delta > INT32_MAX) {
            llatte::fail(LLATTE_INVALID_ARGUMENT, llatte::format("a shift by %d leads out of range", delta), delta);
        }
        llama_memory_seq_add(memory, sequence, from, to, delta);
    });
}

int32_t llatte_sequence_divide(llatte_context * context, int32_t sequence, int32_t from, int32_t to, int32_t divisor, llatte_error * error) {
    return guarded_context(context, error, [&] {
        llatte::require_sequence(context, "sequence", sequence);
        llatte::require_range("divisor", divisor, 1, INT32_MAX);
        llama_memory_t memory = llatte::memory_of(context);
        llatte::require_shift(context, memory);
        llama_memory_seq_div(memory, sequence, from, to, divisor);
    });
}

int32_t llatte_sequence_range(llatte_context * context, int32_t sequence, int32_t * first, int32_t * last, llatte_error * error) {
    return guarded_context(context, error, [&] {
        llatte::require_not_null(first, "first");
        llatte::require_not_null(last, "last");
        llatte::require_sequence(context, "sequence", sequence);
        llama_memory_t memory = llatte::memory_of(context);
        *first                = llama_memory_seq_pos_min(memory, sequence);
        *last                 = llama_memory_seq_pos_max(memory, sequence);
    });
}

int32_t llatte_context_clear(llatte_context * context, llatte_error * error) {
    return guarded_context(context, error, [&] { llama_memory_clear(llatte::memory_of(context), true); });
}
