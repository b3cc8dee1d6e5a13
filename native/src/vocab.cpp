#include "handles.h"

#include <stdexcept>

namespace llatte {

void require_vocabulary(const llatte_model * model) {
    require_not_null(model, "model");
    if (llama_vocab_type(model->vocab) == LLAMA_VOCAB_TYPE_NONE) {
        fail(LLATTE_INVALID_STATE, "the model has no vocabulary");
    }
}

void require_token(const llatte_model * model, int32_t token) {
    if (token < 0 || token >= model->n_vocab) {
        fail(LLATTE_INVALID_ARGUMENT, format("token %d is not in the vocabulary of %d", token, model->n_vocab), token, model->n_vocab);
    }
}

namespace {

[[noreturn]] void too_small(const char * what, int32_t needed, int32_t capacity) {
    fail(LLATTE_BUFFER_TOO_SMALL, format("%d %s do not fit into %d", needed, what, capacity), needed, capacity);
}

} // namespace

} // namespace llatte

using llatte::guarded;

int32_t llatte_vocab_tokenize(const llatte_model * model, const char * text, int32_t text_length, int32_t * tokens, int32_t capacity,
                              bool add_special, bool parse_special, int32_t * count, llatte_error * error) {
    return guarded(error, [&] {
        llatte::require_vocabulary(model);
        llatte::require_not_null(text, "text");
        llatte::require_not_null(count, "count");
        llatte::require_range("text_length", text_length, 0, INT32_MAX);
        llatte::require_range("capacity", capacity, 0, INT32_MAX);
        if (capacity > 0) {
            llatte::require_not_null(tokens, "tokens");
        }
        int32_t n = 0;
        try {
            n = llama_tokenize(model->vocab, text, text_length, tokens, capacity, add_special, parse_special);
        } catch (const std::out_of_range &) {
            llatte::fail(LLATTE_INVALID_STATE, "the vocabulary has no token for a byte of the text");
        }
        if (n == INT32_MIN) {
            llatte::fail(LLATTE_INVALID_ARGUMENT, "the text has more than 2^31 tokens", text_length);
        }
        *count = n < 0 ? -n : n;
        if (n < 0) {
            llatte::too_small("tokens", -n, capacity);
        }
    });
}

int32_t llatte_vocab_detokenize(const llatte_model * model, const int32_t * tokens, int32_t count, char * text, int32_t capacity,
                                bool remove_special, bool unparse_special, int32_t * length, llatte_error * error) {
    return guarded(error, [&] {
        llatte::require_vocabulary(model);
        llatte::require_not_null(length, "length");
        llatte::require_range("count", count, 0, INT32_MAX);
        llatte::require_range("capacity", capacity, 0, INT32_MAX);
        if (count > 0) {
            llatte::require_not_null(tokens, "tokens");
        }
        if (capacity > 0) {
            llatte::require_not_null(text, "text");
        }
        for (int32_t i = 0; i < count; i++) {
            llatte::require_token(model, tokens[i]);
        }
        const int32_t n = llama_detokenize(model->vocab, tokens, count, text, capacity, remove_special, unparse_special);
        *length         = n < 0 ? -n : n;
        if (n < 0) {
            llatte::too_small("bytes", -n, capacity);
        }
    });
}

int32_t llatte_vocab_piece(const llatte_model * model, int32_t token, char * buffer, int32_t capacity, bool special, int32_t * length,
                           llatte_error * error) {
    return guarded(error, [&] {
        llatte::require_vocabulary(model);
        llatte::require_not_null(length, "length");
        llatte::require_range("capacity", capacity, 0, INT32_MAX);
        if (capacity > 0) {
            llatte::require_not_null(buffer, "buffer");
        }
        llatte::require_token(model, token);
        const int32_t n = llama_token_to_piece(model->vocab, token, buffer, capacity, 0, special);
        *length         = n < 0 ? -n : n;
        if (n < 0) {
            llatte::too_small("bytes", -n, capacity);
        }
    });
}

int32_t llatte_vocab_entry(const llatte_model * model, int32_t token, const char ** text, float * score, int32_t * attributes,
                           llatte_error * error) {
    return guarded(error, [&] {
        llatte::require_vocabulary(model);
        llatte::require_not_null(text, "text");
        llatte::require_not_null(score, "score");
        llatte::require_not_null(attributes, "attributes");
        llatte::require_token(model, token);
        *text       = llama_vocab_get_text(model->vocab, token);
        *score      = llama_vocab_get_score(model->vocab, token);
        *attributes = llama_vocab_get_attr(model->vocab, token);
    });
}
