#include "shortlist.h"

#include "logit_passes.h"

#include <algorithm>
#include <cmath>
#include <cstring>

namespace llatte {

namespace {

constexpr auto by_id    = [](const llama_token_data & a, const llama_token_data & b) { return a.id < b.id; };
constexpr auto by_logit = [](const llama_token_data & a, const llama_token_data & b) { return a.logit > b.logit; };

static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "the first byte is the lowest");

uint64_t eight_of(const uint8_t * marks) {
    uint64_t eight;
    memcpy(&eight, marks, sizeof(eight));
    return eight;
}

// Numbers in the reverse order of floats.
uint32_t descending(float logit) {
    uint32_t bits;
    memcpy(&bits, &logit, sizeof(bits));
    return (bits & 0x80000000u) != 0 ? bits : ~bits & 0x7fffffffu;
}

// The best first. Many are sorted by eleven bits at a time, which asks for no comparison: those cannot be foreseen, and took ten times as long.
void sort_by_logit(llama_token_data * tokens, size_t count, std::vector<llama_token_data> & spare) {
    if (count < 1000) {
        std::sort(tokens, tokens + count, by_logit);
        return;
    }
    constexpr int32_t digits[] = { 0, 11, 22 };
    uint32_t          places[3][2048]{};
    spare.resize(count);
    for (size_t i = 0; i < count; i++) {
        for (int32_t d = 0; d < 3; d++) {
            places[d][descending(tokens[i].logit) >> digits[d] & 2047]++;
        }
    }
    llama_token_data * from = tokens;
    llama_token_data * to   = spare.data();
    for (int32_t d = 0; d < 3; d++, std::swap(from, to)) {
        uint32_t next = 0;
        for (uint32_t & place : places[d]) {
            next += place;
            place = next - place;
        }
        for (size_t i = 0; i < count; i++) {
            to[places[d][descending(from[i].logit) >> digits[d] & 2047]++] = from[i];
        }
    }
    std::copy(from, from + count, tokens);
}

} // namespace

bool shortlist::scan(const float * logits, int32_t n_vocab, const std::vector<llama_token_data> & touched, float temperature) {
    logits_      = logits;
    n_vocab_     = n_vocab;
    n_blocks_    = (n_vocab + logit_block - 1) / logit_block;
    touched_     = &touched;
    temperature_ = temperature;
    patched_.clear();
    for (const llama_token_data & token : touched) {
        const int32_t index = token.id / logit_block;
        if (patched_.empty() || patched_.back() != index) {
            patched_.push_back(index);
        }
    }
    const int32_t n_whole = n_vocab / logit_block;
    if (n_whole < n_blocks_ && (patched_.empty() || patched_.back() != n_whole)) {
        patched_.push_back(n_whole);
    }
    maxima_.resize(n_blocks_);
    bool numbers = block_maxima(logits, n_whole, maxima_.data());
    for (int32_t i = n_whole * logit_block; i < n_vocab; i++) {
        numbers &= logits[i] == logits[i];
    }
    float copy[logit_block];
    for (int32_t index : patched_) {
        block_maxima(block(index, NAN, copy), 1, &maxima_[index]);
    }
    best_ = *std::max_element(maxima_.begin(), maxima_.end()) / temperature;
    for (const llama_token_data & token : touched) {
        best_ = std::max(best_, token.logit);
    }
    return numbers;
}

// A block with holes for its touched tokens and, at the vocabulary's end, for what it lacks: in place where it has none. Nothing is above NaN
// or equals it, and the mass of negative infinity is 0.
const float * shortlist::block(int32_t index, float hole, float * copy) const {
    const int32_t begin = index * logit_block;
    const int32_t end   = std::min(begin + logit_block, n_vocab_);
    auto          token = std::lower_bound(touched_->begin(), touched_->end(), llama_token_data{ begin, 0, 0 }, by_id);
    const bool    mixed = token != touched_->end() && token->id < end;
    if (!mixed && end - begin == logit_block) {
        return logits_ + begin;
    }
    std::fill(std::copy(logits_ + begin, logits_ + end, copy), copy + logit_block, hole);
    for (; token != touched_->end() && token->id < end; ++token) {
        copy[token->id - begin] = hole;
    }
    return copy;
}

// A logit that at least `rank` untouched tokens reach, and few more do: the highest of `rank` blocks reach it.
float shortlist::best_of_block(int32_t rank) {
    scratch_ = maxima_;
    std::nth_element(scratch_.begin(), scratch_.begin() + (rank - 1), scratch_.end(), std::greater<float>());
    return scratch_[rank - 1];
}

// Takes the untouched tokens of `least` up to `below`, of those that equal `least` the first `most_equal`.
void shortlist::collect(float least, float below, int32_t most_equal) {
    float   copy[logit_block];
    uint8_t marks[logit_block];
    int32_t n_equal = 0;
    others_.clear();
    for (int32_t index = 0; index < n_blocks_; index++) {
        if (maxima_[index] < least) {
            continue;
        }
        const float * logits = block(index, NAN, copy);
        mark_block(logits, least, below, marks);
        for (int32_t begin = 0; begin < logit_block; begin += 8) {
            for (uint64_t eight = eight_of(marks + begin); eight != 0; eight &= eight - 1) {
                const int32_t i = begin + __builtin_ctzll(eight) / 8;
                if (logits[i] > least || n_equal++ < most_equal) {
                    others_.push_back({ index * logit_block + i, logits[i] / temperature_, 0.0f });
                }
            }
        }
    }
}

// llama.cpp's stages keep the order of ids, and by it they choose among equals.
void shortlist::merge_by_id() {
    list_.resize(touched_->size() + others_.size());
    std::merge(touched_->begin(), touched_->end(), others_.begin(), others_.end(), list_.begin(), by_id);
}

bool shortlist::keep_best(int32_t count) {
    if (count >= n_blocks_) {
        return false;
    }
    const float least = best_of_block(count);
    floor_            = least / temperature_;
    collect(least, INFINITY, count);
    merge_by_id();
    return true;
}

bool shortlist::keep_probable(float p, int32_t min_keep) {
    if (min_keep >= n_blocks_) {
        return false;
    }
    // A little less than the stage's own limit, which it computes from divided logits.
    float least = (best_ + logf(p)) * temperature_;
    least -= 1e-5f * std::fabs(least);
    collect(min_keep > 1 ? std::min(least, best_of_block(min_keep)) : least, INFINITY, n_vocab_);
    merge_by_id();
    return true;
}

// The sum of exp(logit - best) over the vocabulary: what probabilities are parts of.
double shortlist::mass() {
    scratch_.resize(n_blocks_);
    block_masses(logits_, n_vocab_ / logit_block, 1 / temperature_, best_, scratch_.data());
    float copy[logit_block];
    for (int32_t index : patched_) {
        block_masses(block(index, -INFINITY, copy), 1, 1 / temperature_, best_, &scratch_[index]);
    }
    double sum = 0;
    for (float one : scratch_) {
        sum += one;
    }
    for (const llama_token_data & token : *touched_) {
        sum += expf(token.logit - best_);
    }
    return sum;
}

// Slices of the logits' range, from the best down, each sorted by itself, until they hold p: no more is sorted than is kept, but for the last slice.
bool shortlist::keep_mass(float p, int32_t min_keep) {
    const float total = static_cast<float>(mass());
    float       held  = 0;
    float       upper = INFINITY;
    list_.clear();
    for (float depth = 1; upper > -INFINITY; depth += std::max(1.0f, depth / 4)) {
        // exp() is 0 beyond a depth of 104: what is left comes last, as far as it is needed at all.
        const float  lower = depth > 104 ? -INFINITY : best_ - depth;
        const size_t begin = list_.size();
        collect(lower * temperature_, upper * temperature_, n_vocab_);
        list_.insert(list_.end(), others_.begin(), others_.end());
        for (const llama_token_data & token : *touched_) {
            if (token.logit >= lower && token.logit < upper) {
                list_.push_back(token);
            }
        }
        sort_by_logit(list_.data() + begin, list_.size() - begin, spare_);
        for (size_t i = begin; i < list_.size(); i++) {
            list_[i].p = expf(list_[i].logit - best_) / total;
            held += list_[i].p;
            if (held >= p && i + 1 >= static_cast<size_t>(min_keep)) {
                list_.resize(i + 1);
                return true;
            }
        }
        upper = lower;
    }
    return true;
}

} // namespace llatte
