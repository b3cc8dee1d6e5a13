#include "beginnings.h"

#include <string>

namespace llatte {

beginnings::beginnings(const llama_vocab * vocab) : places_(llama_vocab_n_tokens(vocab), nothing), just_(ends, LLAMA_TOKEN_NULL), unseen_(places_.size()) {
    std::string piece(64, '\0');
    for (llama_token token = 0; token < static_cast<llama_token>(places_.size()); token++) {
        int32_t length = llama_token_to_piece(vocab, token, &piece[0], static_cast<int32_t>(piece.size()), 0, true);
        if (length < 0) {
            piece.resize(-length);
            length = llama_token_to_piece(vocab, token, &piece[0], static_cast<int32_t>(piece.size()), 0, true);
        }
        if (llama_vocab_is_eog(vocab, token)) {
            places_[token] = ends;
            continue;
        }
        unseen_[token] = (llama_vocab_get_attr(vocab, token) & (LLAMA_TOKEN_ATTR_CONTROL | LLAMA_TOKEN_ATTR_UNKNOWN)) != 0;
        if (length > 0) {
            const int32_t first = static_cast<uint8_t>(piece[0]);
            places_[token]      = length == 1 ? alone + first : first << 8 | static_cast<uint8_t>(piece[1]);
            if (length <= 2) {
                just_[places_[token]] = token;
            }
        }
    }
}

} // namespace llatte
