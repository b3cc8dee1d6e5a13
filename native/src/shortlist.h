// The tokens among which a chain can still choose. They are found in a pass or two over the logits, where llama.cpp makes, copies and sorts a
// candidate for every token of the vocabulary.
#pragma once

#include "llama.h"

#include <cstdint>
#include <vector>

namespace llatte {

class shortlist {
public:
    // Reads the logits, which stay borrowed. `touched` are the tokens whose logits the chain changes one by one, in the order of their ids, as
    // it leaves them; all others are divided by `temperature`, above 0. False where a logit is no number.
    bool scan(const float * logits, int32_t n_vocab, const std::vector<llama_token_data> & touched, float temperature);

    // The highest logit of all.
    float best() const { return best_; }

    // After keep_best(): the list has every token above this.
    float floor() const { return floor_; }

    // Each makes the list, or is false where it would not be short.
    bool keep_best(int32_t count);                        // the `count` best and perhaps more, by id
    bool keep_probable(float p, int32_t min_keep);        // all of p times the best one's probability and perhaps more, by id
    bool keep_mass(float p, int32_t min_keep);            // just those that llama.cpp's top-p keeps, the best first

    llama_token_data_array candidates(bool sorted) { return { list_.data(), list_.size(), -1, sorted }; }

private:
    const float * block(int32_t index, float hole, float * copy) const;
    float         best_of_block(int32_t rank);
    void          collect(float least, float below, int32_t most_equal);
    void          merge_by_id();
    double        mass();

    const float * logits_      = nullptr;
    int32_t       n_vocab_     = 0;
    int32_t       n_blocks_    = 0;
    float         temperature_ = 1;
    float         best_        = 0;
    float         floor_       = 0;

    const std::vector<llama_token_data> * touched_ = nullptr;

    // Reused, so that a steady generation allocates nothing.
    std::vector<float>            maxima_;  // of each block, without what is touched
    std::vector<float>            scratch_; // a number for each block
    std::vector<int32_t>          patched_; // the blocks that are not read as they stand
    std::vector<llama_token_data> others_;  // that are kept and not touched
    std::vector<llama_token_data> spare_;  // for sorting
    std::vector<llama_token_data> list_;
};

} // namespace llatte
