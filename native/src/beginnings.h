// How each token of a vocabulary begins: most of what a grammar forbids it forbids by the first byte, or the first two.
#pragma once

#include "llama.h"

#include <bitset>
#include <cstdint>
#include <vector>

namespace llatte {

class beginnings {
public:
    explicit beginnings(const llama_vocab * vocab);

    // A place for two first bytes, for a byte that is alone, for tokens that end an answer, which a grammar does not judge by their text, and for
    // those without a text.
    static constexpr int32_t alone   = 1 << 16;
    static constexpr int32_t ends    = alone + 256;
    static constexpr int32_t nothing = ends + 1;
    using set                        = std::bitset<nothing + 1>;

    int32_t of(llama_token token) const { return places_[token]; }

    // Whether the token's text is no part of what the model says, as that of <s>.
    bool is_unseen(llama_token token) const { return unseen_[token]; }

    // The token that is nothing but this beginning, or LLAMA_TOKEN_NULL.
    llama_token just(int32_t place) const { return just_[place]; }

private:
    std::vector<int32_t>     places_;
    std::vector<llama_token> just_;
    std::vector<bool>        unseen_;
};

} // namespace llatte
