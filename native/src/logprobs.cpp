#include "logprobs.h"

#include "guard.h"
#include "handles.h"
#include "logit_passes.h"

#include <algorithm>
#include <cmath>

namespace llatte {

namespace {

// So many logits are read at a time, from memory once and then from the first-level cache.
constexpr int32_t chunk_blocks = 32;

// The sum of exp(logit), as a part of that of the best one so far; and the best few. Of equal ones the first comes first.
class distribution {
public:
    explicit distribution(llatte_logprobs * out) : out_(out) { out_->count = 0; }

    // Whole blocks that begin with token `first`.
    void add(const float * logits, int32_t n_blocks, int32_t first) {
        float maxima[chunk_blocks];
        if (!block_maxima(logits, n_blocks, maxima)) {
            no_numbers();
        }
        raise_best(*std::max_element(maxima, maxima + n_blocks));
        if (best_ > -INFINITY) {
            float masses[chunk_blocks];
            block_masses(logits, n_blocks, 1, best_, masses);
            for (int32_t b = 0; b < n_blocks; b++) {
                mass_ += static_cast<double>(masses[b]);
            }
        }
        for (int32_t b = 0; b < n_blocks; b++) {
            if (is_among_best(maxima[b])) {
                rank(logits + b * logit_block, first + b * logit_block);
            }
        }
    }

    float logprob(float logit) const { return static_cast<float>(static_cast<double>(logit) - best_ - std::log(mass_)); }

    // Logits become logarithms of probabilities.
    void finish() {
        if (best_ == -INFINITY) {
            no_numbers();
        }
        std::transform(out_->logprobs, out_->logprobs + out_->count, out_->logprobs, [this](float logit) { return logprob(logit); });
    }

private:
    [[noreturn]] static void no_numbers() {
        fail(LLATTE_DECODE_FAILED, "the model computed logits that have no probabilities: one is no number or infinite, or all are negative infinity");
    }

    void raise_best(float best) {
        if (best == INFINITY) {
            no_numbers();
        }
        if (best > best_) {
            mass_ *= std::exp(static_cast<double>(best_) - best);
            best_ = best;
        }
    }

    bool is_among_best(float logit) const {
        return out_->count < out_->wanted ? logit > -INFINITY : out_->count > 0 && logit > out_->logprobs[out_->count - 1];
    }

    void rank(const float * block, int32_t first) {
        for (int32_t i = 0; i < logit_block; i++) {
            if (is_among_best(block[i])) {
                insert(first + i, block[i]);
            }
        }
    }

    void insert(int32_t id, float logit) {
        int32_t place = out_->count < out_->wanted ? out_->count++ : out_->count - 1;
        for (; place > 0 && out_->logprobs[place - 1] < logit; place--) {
            out_->ids[place]      = out_->ids[place - 1];
            out_->logprobs[place] = out_->logprobs[place - 1];
        }
        out_->ids[place]      = id;
        out_->logprobs[place] = logit;
    }

    llatte_logprobs * out_;
    float             best_ = -INFINITY;
    double            mass_ = 0;
};

} // namespace

bool wants_logprobs(const llatte_logprobs * logprobs) {
    if (logprobs == nullptr || logprobs->wanted < 0) {
        return false;
    }
    require_range("wanted", logprobs->wanted, 0, LLATTE_MAX_ALTERNATIVES);
    return true;
}

void find_logprobs(const float * logits, int32_t n_vocab, int32_t token, llatte_logprobs * logprobs) {
    distribution  all(logprobs);
    const int32_t n_whole = n_vocab / logit_block;
    for (int32_t b = 0; b < n_whole; b += chunk_blocks) {
        all.add(logits + b * logit_block, std::min(chunk_blocks, n_whole - b), b * logit_block);
    }
    if (n_whole * logit_block < n_vocab) {
        float rest[logit_block];
        std::fill(std::copy(logits + n_whole * logit_block, logits + n_vocab, rest), rest + logit_block, -INFINITY);
        all.add(rest, 1, n_whole * logit_block);
    }
    all.finish();
    logprobs->chosen = all.logprob(logits[token]);
}

} // namespace llatte

int32_t llatte_context_logprobs(llatte_context * context, int32_t row, int32_t token, llatte_logprobs * logprobs, llatte_error * error) {
    return llatte::guarded_context(context, error, [&] {
        llatte::require_not_null(logprobs, "logprobs");
        llatte::require_range("wanted", logprobs->wanted, 0, LLATTE_MAX_ALTERNATIVES);
        llatte::require_token(context->model, token);
        llatte::find_logprobs(llatte::row_logits(context, row), context->model->n_vocab, token, logprobs);
    });
}
