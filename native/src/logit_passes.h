// What is done to every logit of a row, in blocks, by the widest vectors that the CPU has.
#pragma once

#include <cstdint>

namespace llatte {

constexpr int32_t logit_block = 128;

// The highest of each block, of `n_blocks` whole ones. False where a logit is no number.
bool block_maxima(const float * logits, int32_t n_blocks, float * maxima);

// The sum of exp(logit * scale - best) over each block, where none is above 0, to some 1e-7 of it.
void block_masses(const float * logits, int32_t n_blocks, float scale, float best, float * masses);

// Whether each logit of a block is from `least` to below `below`.
void mark_block(const float * block, float least, float below, uint8_t * marks);

} // namespace llatte
