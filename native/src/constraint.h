// What bounds an answer beside its chain: a grammar, at once or from a trigger on, and the length of its reasoning.
#pragma once

#include "handles.h"

#include <memory>
#include <string>
#include <vector>

namespace llatte {

struct sampler_deleter {
    void operator()(llama_sampler * sampler) const { llama_sampler_free(sampler); }
};

using sampler_ptr = std::unique_ptr<llama_sampler, sampler_deleter>;

// Refuses what llama.cpp's parser would not survive. Returns whether the grammar names tokens.
bool check_grammar(const std::string & grammar);

// It works as llama-common's sampler does: a token is chosen first and then looked at, and only where it is not allowed is another one chosen from
// those that are. A grammar that waits for a trigger sleeps while the model reasons.
class constraint {
public:
    // A grammar that holds from the first token on.
    void add_grammar(const llatte_model * model, const std::string & text, const char * root);

    // What a rendered conversation asks for: `format` is what llatte_template_render answered.
    void add_format(const llatte_model * model, const std::string & format, int32_t reasoning_tokens, const std::string & reasoning_message);

    constraint copy() const;

    bool is_empty() const { return !grammar && !reasoning; }
    bool has_grammar() const { return grammar != nullptr; }

    // Whether the grammar decides what comes next.
    bool holds() const;
    // Whether it lets the token pass. holds() must be true.
    bool allows(llama_token token) const;
    // Whether the reasoning has come to its limit: what comes next is given, token by token.
    bool ends_reasoning() const;
    // Takes out all but the one token that comes next where reasoning is to end.
    void end_reasoning(llama_token_data_array & choice) const;
    // Takes out what the grammar forbids where it holds.
    void forbid(llama_token_data_array & choice) const;
    // The beginnings of all tokens that the grammar, which must hold, may allow now.
    beginnings::set possible() const;

    // Throws where the grammar does not allow the token.
    void accept(llama_token token);
    void reset();

    // Their names, with a space behind each.
    std::string describe() const;

private:
    void take_grammar(const llatte_model * model, sampler_ptr made, bool names_tokens);
    bool is_unseen(llama_token token) const;
    bool is_waiting() const;
    void drop_forbidden(beginnings::set & possible, const std::vector<int32_t> & places) const;
    void accept_prefill();

    sampler_ptr              grammar;
    sampler_ptr              reasoning;
    const beginnings *       vocabulary = nullptr;
    bool                     lazy       = false;
    bool                     by_tokens  = false; // the grammar names tokens, whatever their text is
    std::vector<llama_token> shown;   // special tokens whose text is part of the answer
    std::vector<llama_token> prefill; // of the answer, what the prompt has written already
};

} // namespace llatte
