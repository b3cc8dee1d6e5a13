#include "recent_tokens.h"

#include <algorithm>

namespace llatte {

void recent_tokens::remember(int32_t n) {
    if (static_cast<size_t>(n) > ring_.size()) {
        std::rotate(ring_.begin(), ring_.begin() + oldest_, ring_.end());
        oldest_ = 0;
        ring_.resize(n);
    }
}

void recent_tokens::add(int32_t token) {
    if (ring_.empty()) {
        return;
    }
    if (count_ == ring_.size()) {
        forget(ring_[oldest_]);
        oldest_ = (oldest_ + 1) % ring_.size();
        count_--;
    }
    ring_[(oldest_ + count_) % ring_.size()] = token;
    count_++;
    const auto at = std::lower_bound(distinct_.begin(), distinct_.end(), token);
    const auto i  = at - distinct_.begin();
    if (at != distinct_.end() && *at == token) {
        times_[i]++;
    } else {
        distinct_.insert(at, token);
        times_.insert(times_.begin() + i, 1);
    }
}

void recent_tokens::forget(int32_t token) {
    const auto at = std::lower_bound(distinct_.begin(), distinct_.end(), token);
    const auto i  = at - distinct_.begin();
    if (--times_[i] == 0) {
        distinct_.erase(at);
        times_.erase(times_.begin() + i);
    }
}

void recent_tokens::clear() {
    oldest_ = 0;
    count_  = 0;
    distinct_.clear();
    times_.clear();
}

} // namespace llatte
