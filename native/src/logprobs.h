// What the model itself gives a token and its most probable rivals: natural logarithms of probabilities over the whole vocabulary.
#pragma once

#include "llatte.h"

namespace llatte {

// Whether a row asks for them, and for no more alternatives than there is room for.
bool wants_logprobs(const llatte_logprobs * logprobs);

// Fills `logprobs` from a row's scores, in one pass. Fails where these are no finite numbers at their best.
void find_logprobs(const float * logits, int32_t n_vocab, int32_t token, llatte_logprobs * logprobs);

} // namespace llatte
