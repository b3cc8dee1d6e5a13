// Saved sequences: llama.cpp's own bytes behind a header that says how many, whether they are whole, and what they fit.
#include "handles.h"

#include <cstring>

namespace llatte {

namespace {

struct state_header {
    uint32_t magic;
    uint32_t version;
    uint64_t payload_bytes;
    uint64_t checksum;
    uint64_t fingerprint;
};

constexpr uint32_t state_magic   = 0x5153'4c4c; // "LLSQ"
constexpr uint32_t state_version = 1;

// FNV-1a over eight bytes a step: altered bytes are found, at memory speed. It guards against damage; what is forged,
// llama.cpp must refuse or survive (patch 0006).
uint64_t checksum(const uint8_t * bytes, size_t length, uint64_t hash = 0xcbf29ce484222325ull) {
    constexpr uint64_t prime = 0x100000001b3ull;
    size_t             i     = 0;
    for (; i + sizeof(uint64_t) <= length; i += sizeof(uint64_t)) {
        uint64_t word;
        memcpy(&word, bytes + i, sizeof(word));
        hash = (hash ^ word) * prime;
        hash ^= hash >> 32; // high bytes must reach low ones
    }
    for (; i < length; i++) {
        hash = (hash ^ bytes[i]) * prime;
    }
    return hash ^ (hash >> 29);
}

// What a saved state depends on: the model's shape and the cache's types.
uint64_t fingerprint(const llatte_context * context) {
    const llama_model * model = context->model->handle;
    char                arch[64] = "";
    llama_model_meta_val_str(model, "general.architecture", arch, sizeof(arch));
    const std::string shape = format("%s %d %d %d %d %d %llu %d %d", arch, llama_model_n_layer(model), llama_model_n_embd(model),
                                     llama_model_n_head(model), llama_model_n_head_kv(model), context->model->n_vocab,
                                     static_cast<unsigned long long>(llama_model_n_params(model)), static_cast<int>(context->type_k),
                                     static_cast<int>(context->type_v));
    return checksum(reinterpret_cast<const uint8_t *>(shape.data()), shape.size());
}

void require_cache(const llatte_context * context) {
    if (llama_get_memory(context->handle) == nullptr) {
        fail(LLATTE_INVALID_STATE, "the model keeps no KV cache");
    }
}

[[noreturn]] void corrupt(const std::string & why, int64_t requested = -1, int64_t available = -1) {
    fail(LLATTE_STATE_CORRUPT, why, requested, available);
}

state_header check_header(const llatte_context * context, const uint8_t * source, int64_t size) {
    state_header header;
    if (size < static_cast<int64_t>(sizeof(header))) {
        corrupt(format("%lld bytes are no saved sequence", static_cast<long long>(size)), size, sizeof(header));
    }
    memcpy(&header, source, sizeof(header));
    if (header.magic != state_magic) {
        corrupt("these bytes are no saved sequence");
    }
    if (header.version != state_version) {
        corrupt(format("the saved sequence has version %u, and this library reads %u", header.version, state_version), header.version,
                state_version);
    }
    const uint64_t payload = static_cast<uint64_t>(size) - sizeof(header);
    if (header.payload_bytes != payload) {
        corrupt(format("the saved sequence is truncated: %llu of %llu bytes", static_cast<unsigned long long>(payload),
                       static_cast<unsigned long long>(header.payload_bytes)),
                static_cast<int64_t>(header.payload_bytes), static_cast<int64_t>(payload));
    }
    if (header.fingerprint != fingerprint(context)) {
        corrupt("the saved sequence is another model's, or of a cache of other types");
    }
    if (header.checksum != checksum(source + sizeof(header), payload)) {
        corrupt("the saved sequence was altered: its checksum differs");
    }
    return header;
}

} // namespace

} // namespace llatte

using llatte::guarded_context;

int32_t llatte_state_size(llatte_context * context, int32_t sequence, int64_t * size, llatte_error * error) {
    return guarded_context(context, error, [&] {
        llatte::require_not_null(size, "size");
        llatte::require_sequence(context, "sequence", sequence);
        llatte::require_cache(context);
        *size = static_cast<int64_t>(sizeof(llatte::state_header) + llama_state_seq_get_size(context->handle, sequence));
    });
}

int32_t llatte_state_save(llatte_context * context, int32_t sequence, uint8_t * destination, int64_t capacity, int64_t * written,
                          llatte_error * error) {
    return guarded_context(context, error, [&] {
        llatte::require_not_null(destination, "destination");
        llatte::require_not_null(written, "written");
        llatte::require_sequence(context, "sequence", sequence);
        llatte::require_cache(context);
        llatte::state_header header{};
        const size_t         needed = sizeof(header) + llama_state_seq_get_size(context->handle, sequence);
        if (capacity < static_cast<int64_t>(needed)) {
            llatte::fail(LLATTE_BUFFER_TOO_SMALL, llatte::format("the saved sequence has %zu bytes", needed), static_cast<int64_t>(needed), capacity);
        }
        uint8_t *    payload = destination + sizeof(header);
        const size_t bytes   = llama_state_seq_get_data(context->handle, payload, needed - sizeof(header), sequence);
        if (bytes == 0) {
            llatte::fail(LLATTE_INTERNAL, "llama.cpp could not save the sequence" + llatte::because());
        }
        header.magic         = llatte::state_magic;
        header.version       = llatte::state_version;
        header.payload_bytes = bytes;
        header.checksum      = llatte::checksum(payload, bytes);
        header.fingerprint   = llatte::fingerprint(context);
        memcpy(destination, &header, sizeof(header));
        *written = static_cast<int64_t>(sizeof(header) + bytes);
    });
}

int32_t llatte_state_restore(llatte_context * context, int32_t sequence, const uint8_t * source, int64_t size, llatte_error * error) {
    return guarded_context(context, error, [&] {
        llatte::require_not_null(source, "source");
        llatte::require_sequence(context, "sequence", sequence);
        llatte::require_cache(context);
        const llatte::state_header header = llatte::check_header(context, source, size);
        if (llama_state_seq_set_data(context->handle, source + sizeof(header), header.payload_bytes, sequence) == 0) {
            // The cache is too small, or lays its values out in another way. Whatever was written is taken out again: the sequence is empty.
            llama_memory_seq_rm(llama_get_memory(context->handle), sequence, -1, -1);
            llatte::fail(LLATTE_STATE_CORRUPT, "the saved sequence does not fit this context" + llatte::because(), -1, context->n_ctx);
        }
    });
}
