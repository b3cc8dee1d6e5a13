// What stands behind a llatte_sampler, and how it chooses.
#pragma once

#include "constraint.h"
#include "handles.h"
#include "recent_tokens.h"
#include "shortlist.h"

#include <cstdint>
#include <vector>

namespace llatte {

// A stage by what it does to a choice; idle ones do nothing with their parameters, and the last two need every candidate.
enum class stage_kind { idle, logit_bias, penalties, temperature, top_k, top_p, min_p, greedy, dist, other };

struct stage {
    stage_kind kind;
    int32_t    count = 0; // k, or the least to keep
    float      value = 0; // p, or the temperature

    std::vector<llama_logit_bias> biases = {}; // by id
};

} // namespace llatte

struct llatte_sampler {
    const llatte_model * model    = nullptr;
    llama_sampler *      chain    = nullptr;
    bool                 selects  = false; // the last stage chooses a token

    llatte::constraint bounds; // beside the chain

    std::vector<llatte::stage> stages; // of the chain, one by one

    // The tokens that penalties change. Not known once a stage has refused a token that those before it had accepted.
    llatte::recent_tokens recent;
    bool                  in_step = true;

    std::vector<int32_t> biased; // by id, each once

    // Of one choice. Reused: all candidates of a vocabulary of 262,144 take 3 MiB.
    llatte::shortlist             list;
    std::vector<int32_t>          touched_ids;
    std::vector<llama_token_data> touched;
    std::vector<llama_token_data> candidates;

    // In a round of several rows: a chain has the state of one generation, so it is in it once.
    bool in_round = false;

    // The context whose graph runs the chain for a sequence. llama.cpp prepares a chain for that once.
    llatte_context * attached_to = nullptr;
    int32_t          sequence    = -1;
    bool             prepared    = false;

    ~llatte_sampler() { llama_sampler_free(chain); }
};

namespace llatte {

void require_sampler(const llatte_sampler * sampler);

// Chooses a token from the scores of the vocabulary, without accepting it.
llama_token choose(llatte_sampler * sampler, const float * logits);

void accept(llatte_sampler * sampler, llama_token token);

// Takes the chain out of the graph that it is in, if any.
void detach(llatte_sampler * sampler);

} // namespace llatte
