// The tokens that penalties look back on, as llama.cpp's own stage counts them: which logits it will change.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace llatte {

class recent_tokens {
public:
    // Looks back on `n` tokens from now on, or on more if it did.
    void remember(int32_t n);
    void add(int32_t token);
    void clear();

    // Each once, in the order of ids.
    const std::vector<int32_t> & distinct() const { return distinct_; }

private:
    void forget(int32_t token);

    std::vector<int32_t> ring_;
    size_t               oldest_ = 0;
    size_t               count_  = 0;
    std::vector<int32_t> distinct_;
    std::vector<int32_t> times_; // that each of these is in the ring
};

} // namespace llatte
