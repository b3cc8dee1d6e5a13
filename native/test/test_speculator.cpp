// Speculators: what they refuse, who outlives whom, and that drafts are tokens of the history or of the model.
#include "fixture.h"

#include <algorithm>
#include <cmath>

using check::error;
using fixture::batch;

namespace {

struct speculator_deleter {
    void operator()(llatte_speculator * speculator) const { llatte_speculator_free(speculator); }
};
using speculator_ptr = std::unique_ptr<llatte_speculator, speculator_deleter>;

llama_context_params params_of(int32_t n_seq_max = 1, bool mtp = false) {
    auto params      = fixture::context_params();
    params.n_seq_max = n_seq_max;
    params.ctx_type  = mtp ? LLAMA_CONTEXT_TYPE_MTP : LLAMA_CONTEXT_TYPE_DEFAULT;
    return params;
}

fixture::model_ptr load_mtp(const char * name) {
    auto params     = fixture::model_params();
    params.load_mtp = true;
    return fixture::load(fixture::model_path(name), params);
}

int32_t create(llatte_context * target, llatte_context * draft, int32_t kind, int32_t max_tokens, int32_t match, float probability,
               speculator_ptr & out) {
    llatte_speculator * made   = nullptr;
    const int32_t       status = llatte_speculator_create(target, draft, kind, max_tokens, match, probability, &made, &error());
    CHECK((status == LLATTE_OK) == (made != nullptr));
    out.reset(made);
    return status;
}

int32_t try_create(llatte_context * target, llatte_context * draft, int32_t kind, int32_t max_tokens = 4, int32_t match = 2,
                   float probability = 0) {
    speculator_ptr made;
    return create(target, draft, kind, max_tokens, match, probability, made);
}

int32_t draft(const speculator_ptr & speculator, const std::vector<int32_t> & history, int32_t last, int32_t max, std::vector<int32_t> & out) {
    out.assign(std::max(max, 0) + 1, -7);
    int32_t       drafted = -1;
    const int32_t status  = llatte_speculator_draft(speculator.get(), history.data(), static_cast<int32_t>(history.size()), last, out.data(), max,
                                                    &drafted, &error());
    if (status == LLATTE_OK) {
        CHECK(drafted >= 0 && drafted <= max);
        CHECK(out[drafted] == -7); // nothing is written beyond
        out.resize(drafted);
    }
    return status;
}

std::vector<int32_t> counting(int32_t n, int32_t period) {
    std::vector<int32_t> tokens(n);
    for (int32_t i = 0; i < n; i++) {
        tokens[i] = 3 + i % period;
    }
    return tokens;
}

void begin(const speculator_ptr & speculator, const std::vector<int32_t> & prompt) {
    CHECK_OK(llatte_speculator_begin(speculator.get(), prompt.data(), static_cast<int32_t>(prompt.size()), &error()));
}

int32_t greedy(const fixture::context_ptr & context, const fixture::model_ptr & model) {
    const auto row = fixture::logits(context, model);
    return static_cast<int32_t>(std::max_element(row.begin(), row.end()) - row.begin());
}

// Evaluates tokens at the end of sequence 0, a batch at a time, and shows them to a speculator.
void evaluate(const fixture::context_ptr & context, const speculator_ptr & speculator, const std::vector<int32_t> & tokens, int32_t first) {
    for (size_t from = 0; from < tokens.size(); from += 32) {
        const auto count = static_cast<int32_t>(std::min<size_t>(32, tokens.size() - from));
        batch      rows(count, first + static_cast<int32_t>(from));
        std::copy_n(tokens.begin() + from, count, rows.tokens.begin());
        CHECK_OK(rows.decode(context));
        CHECK_OK(llatte_speculator_process(speculator.get(), tokens.data() + from, count, first + static_cast<int32_t>(from), &error()));
    }
}

const int32_t ngrams[] = { LLATTE_DRAFT_NGRAM_SIMPLE, LLATTE_DRAFT_NGRAM_MAP, LLATTE_DRAFT_NGRAM_MOD };

} // namespace

CASE(bad_arguments_of_create) {
    auto model   = fixture::load(fixture::model_path("llama-dense"));
    auto context = fixture::context(model, params_of());
    auto other   = fixture::context(model, params_of());
    auto several = fixture::context(model, params_of(2));
    CHECK_STATUS(LLATTE_INVALID_ARGUMENT, try_create(nullptr, nullptr, LLATTE_DRAFT_NGRAM_SIMPLE));
    CHECK_STATUS(LLATTE_INVALID_ARGUMENT, llatte_speculator_create(context.get(), nullptr, LLATTE_DRAFT_NGRAM_SIMPLE, 4, 2, 0, nullptr, &error()));
    for (int32_t kind : { -1, 5, INT32_MAX, INT32_MIN }) {
        CHECK_STATUS(LLATTE_INVALID_ARGUMENT, try_create(context.get(), nullptr, kind));
        CHECK(error().requested == kind);
    }
    for (int32_t length : { 0, -1, 1025, INT32_MAX, INT32_MIN }) {
        CHECK_STATUS(LLATTE_INVALID_ARGUMENT, try_create(context.get(), nullptr, LLATTE_DRAFT_NGRAM_SIMPLE, length));
        CHECK_STATUS(LLATTE_INVALID_ARGUMENT, try_create(context.get(), other.get(), LLATTE_DRAFT_MODEL, length));
        CHECK_STATUS(LLATTE_INVALID_ARGUMENT, try_create(context.get(), nullptr, LLATTE_DRAFT_NGRAM_MAP, 4, length));
        CHECK(error().requested == length);
    }
    for (float probability : { -0.1f, 1.1f, NAN, INFINITY }) {
        CHECK_STATUS(LLATTE_INVALID_ARGUMENT, try_create(context.get(), other.get(), LLATTE_DRAFT_MODEL, 4, 0, probability));
    }
    CHECK_STATUS(LLATTE_INVALID_ARGUMENT, try_create(context.get(), other.get(), LLATTE_DRAFT_NGRAM_SIMPLE));
    CHECK_STATUS(LLATTE_INVALID_ARGUMENT, try_create(context.get(), nullptr, LLATTE_DRAFT_MODEL));
    CHECK_STATUS(LLATTE_INVALID_ARGUMENT, try_create(context.get(), nullptr, LLATTE_DRAFT_MTP));
    CHECK_STATUS(LLATTE_INVALID_ARGUMENT, try_create(context.get(), context.get(), LLATTE_DRAFT_MODEL));
    CHECK_STATUS(LLATTE_INVALID_ARGUMENT, try_create(context.get(), several.get(), LLATTE_DRAFT_MODEL));
    CHECK_STATUS(LLATTE_INVALID_ARGUMENT, try_create(context.get(), other.get(), LLATTE_DRAFT_MTP));
    speculator_ptr one;
    CHECK_OK(create(context.get(), other.get(), LLATTE_DRAFT_MODEL, 4, 0, 0, one));
    CHECK_STATUS(LLATTE_INVALID_STATE, try_create(several.get(), other.get(), LLATTE_DRAFT_MODEL)); // one context, two masters
}

CASE(bad_arguments_of_the_other_calls) {
    auto model   = fixture::load(fixture::model_path("llama-dense"));
    auto context = fixture::context(model, params_of());
    auto other   = fixture::context(model, params_of());
    for (int32_t kind : { LLATTE_DRAFT_MODEL, LLATTE_DRAFT_NGRAM_SIMPLE, LLATTE_DRAFT_NGRAM_MAP, LLATTE_DRAFT_NGRAM_MOD }) {
        speculator_ptr       one;
        std::vector<int32_t> out;
        CHECK_OK(create(context.get(), kind == LLATTE_DRAFT_MODEL ? other.get() : nullptr, kind, 4, 2, 0, one));
        const auto    history = counting(20, 5);
        const int32_t bad[]   = { 3, -1, 4 };
        const int32_t worse[] = { 3, 128, 4 };
        int32_t       drafted = 0;
        CHECK_STATUS(LLATTE_INVALID_ARGUMENT, llatte_speculator_begin(nullptr, history.data(), 3, &error()));
        CHECK_STATUS(LLATTE_INVALID_ARGUMENT, llatte_speculator_begin(one.get(), nullptr, 3, &error()));
        CHECK_STATUS(LLATTE_INVALID_ARGUMENT, llatte_speculator_begin(one.get(), history.data(), -1, &error()));
        CHECK_STATUS(LLATTE_INVALID_ARGUMENT, llatte_speculator_begin(one.get(), bad, 3, &error()));
        CHECK_STATUS(LLATTE_INVALID_ARGUMENT, llatte_speculator_begin(one.get(), worse, 3, &error()));
        CHECK(error().requested == 128);
        begin(one, history);
        CHECK_STATUS(LLATTE_INVALID_ARGUMENT, draft(one, { 3, 4 }, 3, 4, out)); // shorter than it began
        CHECK_STATUS(LLATTE_INVALID_ARGUMENT, draft(one, history, -1, 4, out));
        CHECK_STATUS(LLATTE_INVALID_ARGUMENT, draft(one, history, 128, 4, out));
        CHECK_STATUS(LLATTE_INVALID_ARGUMENT, draft(one, history, 3, -1, out));
        CHECK_STATUS(LLATTE_INVALID_ARGUMENT, llatte_speculator_draft(one.get(), history.data(), 20, 3, nullptr, 4, &drafted, &error()));
        CHECK_STATUS(LLATTE_INVALID_ARGUMENT, llatte_speculator_draft(one.get(), history.data(), 20, 3, out.data(), 4, nullptr, &error()));
        CHECK_OK(draft(one, history, 3, 0, out));
        CHECK(out.empty());
        CHECK_OK(llatte_speculator_accept(one.get(), 0, &error())); // nothing was drafted: nothing to say
        CHECK_STATUS(LLATTE_INVALID_ARGUMENT, llatte_speculator_accept(one.get(), 1, &error()));
        CHECK_OK(draft(one, history, 3, 4, out));
        CHECK_STATUS(LLATTE_INVALID_ARGUMENT, llatte_speculator_accept(one.get(), static_cast<int32_t>(out.size()) + 1, &error()));
        CHECK_STATUS(LLATTE_INVALID_ARGUMENT, llatte_speculator_accept(one.get(), -1, &error()));
        CHECK_OK(llatte_speculator_accept(one.get(), static_cast<int32_t>(out.size()), &error()));
        CHECK_STATUS(LLATTE_INVALID_ARGUMENT, llatte_speculator_process(one.get(), history.data(), 20, -1, &error()));
        CHECK_OK(llatte_speculator_process(one.get(), history.data(), 20, 0, &error())); // not MTP: nothing to do
    }
    llatte_speculator_free(nullptr);
}

CASE(whose_cache_cannot_be_cut) {
    auto llama  = fixture::load(fixture::model_path("llama-dense"));
    auto target = fixture::context(llama, params_of());
    for (const char * name : { "mamba-dense", "falcon-h1-dense", "llada-dense" }) {
        auto model   = fixture::load(fixture::model_path(name));
        auto context = fixture::context(model, params_of());
        CHECK_STATUS(LLATTE_CANNOT_SPECULATE, try_create(context.get(), nullptr, LLATTE_DRAFT_NGRAM_SIMPLE));
        CHECK_STATUS(LLATTE_CANNOT_SPECULATE, try_create(target.get(), context.get(), LLATTE_DRAFT_MODEL));
    }
}

CASE(a_recurrent_state_that_can_be_taken_back) {
    auto model      = load_mtp("qwen35-dense");
    auto params     = params_of();
    params.n_rs_seq = 4;
    auto context    = fixture::context(model, params);
    CHECK_OK(try_create(context.get(), nullptr, LLATTE_DRAFT_NGRAM_SIMPLE, 4, 2));
    CHECK_STATUS(LLATTE_CANNOT_SPECULATE, try_create(context.get(), nullptr, LLATTE_DRAFT_NGRAM_SIMPLE, 5, 2));
    CHECK(error().requested == 5 && error().available == 4);
}

CASE(vocabularies_that_differ) {
    const std::string llama   = fixture::model_path("llama-dense");
    auto              model   = fixture::load(llama);
    auto              context = fixture::context(model, params_of());
    auto              named   = fixture::load(fixture::edited_model(llama, "other-words", [](gguf_context * gguf) {
        std::vector<std::string>  texts;
        std::vector<const char *> pointers;
        for (int32_t i = 0; i < 128; i++) {
            texts.push_back((i == 77 ? "word_" : "tok_") + std::to_string(i));
        }
        for (const auto & text : texts) {
            pointers.push_back(text.c_str());
        }
        gguf_set_arr_str(gguf, "tokenizer.ggml.tokens", pointers.data(), pointers.size());
    }));
    auto real = fixture::load(fixture::edited_model(llama, "other-kind", [](gguf_context * gguf) {
        fixture::set_vocabulary(gguf, fixture::vocabulary());
    }));
    auto named_context = fixture::context(named, params_of());
    auto real_context  = fixture::context(real, params_of());
    CHECK_STATUS(LLATTE_CANNOT_SPECULATE, try_create(context.get(), named_context.get(), LLATTE_DRAFT_MODEL));
    CHECK(error().requested == 77 && std::string(error().message).find("word_77") != std::string::npos);
    CHECK_STATUS(LLATTE_CANNOT_SPECULATE, try_create(context.get(), real_context.get(), LLATTE_DRAFT_MODEL));
    CHECK_STATUS(LLATTE_CANNOT_SPECULATE, try_create(real_context.get(), context.get(), LLATTE_DRAFT_MODEL));
    CHECK_OK(try_create(context.get(), nullptr, LLATTE_DRAFT_NGRAM_SIMPLE));
    fixture::check_usable(context);
}

CASE(the_target_freed_first) {
    auto model   = fixture::load(fixture::model_path("llama-dense"));
    auto context = fixture::context(model, params_of());
    auto other   = fixture::context(model, params_of());
    speculator_ptr one, two;
    CHECK_OK(create(context.get(), other.get(), LLATTE_DRAFT_MODEL, 4, 0, 0, one));
    CHECK_OK(create(context.get(), nullptr, LLATTE_DRAFT_NGRAM_SIMPLE, 4, 2, 0, two));
    context.reset();
    std::vector<int32_t> out;
    for (const auto * each : { &one, &two }) {
        CHECK_STATUS(LLATTE_INVALID_STATE, draft(*each, { 3, 4 }, 5, 4, out));
        CHECK_STATUS(LLATTE_INVALID_STATE, llatte_speculator_begin(each->get(), nullptr, 0, &error()));
        CHECK_STATUS(LLATTE_INVALID_STATE, llatte_speculator_accept(each->get(), 0, &error()));
        CHECK_STATUS(LLATTE_INVALID_STATE, llatte_speculator_process(each->get(), nullptr, 0, 0, &error()));
    }
    fixture::check_usable(other); // and free for another speculator
    auto again = fixture::context(model, params_of());
    CHECK_OK(try_create(again.get(), other.get(), LLATTE_DRAFT_MODEL));
}

CASE(the_draft_context_freed_first) {
    for (const char * name : { "llama-dense", "glm4moe-moe-mtp" }) {
        auto       model   = load_mtp(name);
        const bool mtp     = std::string(name).find("mtp") != std::string::npos;
        auto       context = fixture::context(model, params_of());
        auto       other   = fixture::context(model, params_of(1, mtp));
        speculator_ptr one;
        CHECK_OK(create(context.get(), other.get(), mtp ? LLATTE_DRAFT_MTP : LLATTE_DRAFT_MODEL, 4, 0, 0, one));
        other.reset();
        std::vector<int32_t> out;
        CHECK_STATUS(LLATTE_INVALID_STATE, draft(one, { 3, 4 }, 5, 4, out));
        fixture::check_usable(context);
        one.reset();
        fixture::check_usable(context);
    }
}

CASE(ngrams_draft_what_the_history_repeats) {
    auto model   = fixture::load(fixture::model_path("llama-dense"));
    auto context = fixture::context(model, params_of());
    for (int32_t kind : ngrams) {
        speculator_ptr       one;
        std::vector<int32_t> out;
        CHECK_OK(create(context.get(), nullptr, kind, 6, 3, 0, one));
        const auto period  = counting(81, 9);
        const auto history = std::vector<int32_t>(period.begin(), period.end() - 1);
        begin(one, history);
        CHECK_OK(draft(one, history, period.back(), 6, out)); // the map counts its keys from the first time on
        const auto longer = counting(91, 9);
        CHECK_OK(draft(one, std::vector<int32_t>(longer.begin(), longer.end() - 1), longer.back(), 6, out));
        CHECK(out.size() == 6);
        for (int32_t i = 0; i < 6; i++) {
            CHECK(out[i] == 3 + (91 + i) % 9);
        }
        CHECK_OK(llatte_speculator_accept(one.get(), 6, &error()));
        CHECK_OK(draft(one, std::vector<int32_t>(longer.begin(), longer.end() - 1), longer.back(), 2, out));
        CHECK(out.size() == 2);
        // Nothing repeats here.
        begin(one, {});
        CHECK_OK(draft(one, counting(100, 100), 120, 6, out));
        CHECK(out.empty());
    }
}

CASE(a_shorter_history_after_a_longer_one) {
    auto model   = fixture::load(fixture::model_path("llama-dense"));
    auto context = fixture::context(model, params_of());
    for (int32_t kind : ngrams) {
        speculator_ptr       one;
        std::vector<int32_t> out;
        CHECK_OK(create(context.get(), nullptr, kind, 40, 3, 0, one));
        for (int32_t length : { 200, 101, 60, 3, 1, 0, 220, 46, 47, 48, 120 }) {
            const auto history = counting(length, 7);
            begin(one, history);
            for (int32_t more = 0; more < 12; more++) {
                CHECK_OK(draft(one, counting(length + more, 7), 3 + (length + more) % 7, 40, out));
                CHECK(std::all_of(out.begin(), out.end(), [](int32_t id) { return id >= 3 && id < 10; }));
                CHECK_OK(llatte_speculator_accept(one.get(), static_cast<int32_t>(out.size()) / 2, &error()));
            }
        }
    }
}

CASE(a_draft_model_that_is_the_model_is_right) {
    for (const char * name : { "llama-dense", "gemma3-dense", "qwen2-dense" }) {
        auto           model   = fixture::load(fixture::model_path(name));
        auto           context = fixture::context(model, params_of());
        auto           other   = fixture::context(model, params_of());
        speculator_ptr one;
        CHECK_OK(create(context.get(), other.get(), LLATTE_DRAFT_MODEL, 5, 0, 0, one));
        auto history = counting(40, 11); // more than a batch
        begin(one, history);
        evaluate(context, one, history, 0);
        for (int32_t step = 0; step < 8; step++) {
            const int32_t        last = greedy(context, model);
            std::vector<int32_t> out;
            CHECK_OK(draft(one, history, last, 5, out));
            CHECK(out.size() == 5);
            int32_t right = 0;
            evaluate(context, one, { last }, static_cast<int32_t>(history.size()));
            history.push_back(last);
            // Only two are evaluated one by one, as if the rest had been wrong.
            for (; right < 2 && out[right] == greedy(context, model); right++) {
                evaluate(context, one, { out[right] }, static_cast<int32_t>(history.size()));
                history.push_back(out[right]);
            }
            CHECK(right == 2);
            CHECK_OK(llatte_speculator_accept(one.get(), right, &error()));
        }
    }
}

CASE(a_probability_that_no_guess_reaches) {
    auto                 model   = fixture::load(fixture::model_path("llama-dense"));
    auto                 context = fixture::context(model, params_of());
    auto                 other   = fixture::context(model, params_of());
    speculator_ptr       one;
    std::vector<int32_t> out;
    CHECK_OK(create(context.get(), other.get(), LLATTE_DRAFT_MODEL, 5, 0, 1, one));
    CHECK_OK(draft(one, counting(10, 10), 20, 5, out));
    CHECK(out.empty());
}

CASE(the_end_of_the_draft_context) {
    auto model        = fixture::load(fixture::model_path("llama-dense"));
    auto context      = fixture::context(model, params_of());
    auto small        = params_of();
    small.n_ctx       = 256;
    auto           other = fixture::context(model, small);
    speculator_ptr one;
    CHECK_OK(create(context.get(), other.get(), LLATTE_DRAFT_MODEL, 8, 0, 0, one));
    std::vector<int32_t> out;
    for (int32_t length : { 240, 250, 253, 254, 255, 256, 300, 5000 }) {
        CHECK_OK(draft(one, counting(length, 13), 20, 8, out));
        CHECK(static_cast<int32_t>(out.size()) == std::clamp(255 - length, 0, 8));
    }
}

CASE(cancelling_a_draft) {
    auto           model   = fixture::load(fixture::model_path("llama-dense"));
    auto           context = fixture::context(model, params_of());
    auto           params  = params_of();
    llatte_control control{};
    llatte_context * raw = nullptr;
    CHECK_OK(llatte_context_create(model.get(), &params, &control, &raw, &error()));
    fixture::context_ptr other(raw);
    speculator_ptr       one;
    CHECK_OK(create(context.get(), other.get(), LLATTE_DRAFT_MODEL, 5, 0, 0, one));
    std::vector<int32_t> out;
    control.cancel = 1;
    CHECK_STATUS(LLATTE_CANCELLED, draft(one, counting(100, 10), 20, 5, out));
    control.cancel = 0;
    CHECK_OK(draft(one, counting(100, 10), 20, 5, out));
    CHECK(out.size() == 5);
    control.cancel = 1;
    CHECK_STATUS(LLATTE_CANCELLED, draft(one, counting(101, 10), 20, 5, out));
    control.cancel = 0;
    const auto first = out;
    CHECK_OK(draft(one, counting(102, 10), 20, 5, out));
    CHECK(out.size() == 5);
}

CASE(mtp_needs_its_layers) {
    auto without  = fixture::load(fixture::model_path("glm4moe-moe"));
    auto unloaded = fixture::load(fixture::model_path("glm4moe-moe-mtp"));
    auto model    = load_mtp("glm4moe-moe-mtp");
    auto hidden   = load_mtp("glm4moe-moe");
    CHECK_STATUS(LLATTE_CANNOT_SPECULATE, fixture::try_context(without, params_of(1, true)));
    CHECK_STATUS(LLATTE_CANNOT_SPECULATE, fixture::try_context(hidden, params_of(1, true)));
    CHECK_STATUS(LLATTE_CANNOT_SPECULATE, fixture::try_context(unloaded, params_of(1, true)));
    auto params     = fixture::model_params();
    params.load_mtp = true;
    auto planes     = fixture::load(fixture::edited_model(fixture::model_path("glm4moe-moe-mtp"), "planes", [](gguf_context * gguf) {
        const uint32_t sections[4] = { 32, 32, 32, 32 };
        gguf_set_arr_data(gguf, "glm4moe.rope.dimension_sections", GGUF_TYPE_UINT32, sections, 4);
    }), params);
    CHECK_STATUS(LLATTE_CANNOT_SPECULATE, fixture::try_context(planes, params_of(1, true)));
    auto target = fixture::context(model, params_of());
    auto layers = fixture::context(model, params_of(1, true));
    CHECK_STATUS(LLATTE_INVALID_ARGUMENT, try_create(target.get(), layers.get(), LLATTE_DRAFT_MODEL));
    CHECK_STATUS(LLATTE_INVALID_ARGUMENT, try_create(fixture::context(unloaded, params_of()).get(), layers.get(), LLATTE_DRAFT_MTP));
    auto small    = params_of(1, true);
    small.n_batch = 16;
    CHECK_STATUS(LLATTE_INVALID_ARGUMENT, try_create(target.get(), fixture::context(model, small).get(), LLATTE_DRAFT_MTP));
    CHECK_OK(try_create(target.get(), layers.get(), LLATTE_DRAFT_MTP));
}

CASE(mtp_that_knows_is_right) {
    for (const char * name : { "glm4moe-moe-mtp-knowing", "qwen35-dense-mtp-knowing" }) {
        auto params     = params_of();
        params.n_rs_seq = 4;
        auto           model   = load_mtp(name);
        auto           context = fixture::context(model, params);
        auto           layers  = fixture::context(model, params_of(1, true));
        speculator_ptr one;
        CHECK_OK(create(context.get(), layers.get(), LLATTE_DRAFT_MTP, 4, 0, 0, one));
        std::vector<int32_t> out;
        auto                 history = counting(40, 11);
        CHECK_STATUS(LLATTE_INVALID_STATE, llatte_speculator_process(one.get(), history.data(), 10, 0, &error())); // nothing was decoded
        begin(one, history);
        CHECK_OK(draft(one, history, 5, 4, out)); // nothing was shown
        CHECK(out.empty());
        begin(one, history);
        evaluate(context, one, history, 0);
        CHECK_STATUS(LLATTE_INVALID_STATE, llatte_speculator_process(one.get(), history.data(), 20, 0, &error())); // more than was decoded
        for (int32_t step = 0; step < 8; step++) {
            const int32_t last = greedy(context, model);
            CHECK_OK(draft(one, history, last, 4, out));
            CHECK(out.size() == 4);
            batch rows(5, static_cast<int32_t>(history.size()));
            rows.tokens = { last, out[0], out[1], out[2], out[3] };
            rows.outputs.assign(5, 1);
            CHECK_OK(rows.decode(context));
            CHECK_OK(llatte_speculator_process(one.get(), rows.tokens.data(), 5, static_cast<int32_t>(history.size()), &error()));
            CHECK_OK(llatte_speculator_accept(one.get(), 4, &error()));
            history.insert(history.end(), rows.tokens.begin(), rows.tokens.end());
        }
    }
}

CASE(mtp_that_is_wrong_is_cut_back) {
    for (const char * name : { "glm4moe-moe-mtp", "qwen35-dense-mtp" }) {
        auto params     = params_of();
        params.n_rs_seq = 4;
        auto           model   = load_mtp(name);
        auto           context = fixture::context(model, params);
        auto           layers  = fixture::context(model, params_of(1, true));
        speculator_ptr one;
        CHECK_OK(create(context.get(), layers.get(), LLATTE_DRAFT_MTP, 3, 0, 0, one));
        auto history = counting(10, 10);
        begin(one, history);
        evaluate(context, one, history, 0);
        for (int32_t step = 0; step < 12; step++) {
            std::vector<int32_t> out;
            const auto           length = static_cast<int32_t>(history.size());
            CHECK_OK(draft(one, history, 20 + step, 3, out));
            CHECK(out.size() == 3);
            CHECK(std::all_of(out.begin(), out.end(), [](int32_t id) { return id >= 0 && id < 128; }));
            batch rows(4, length);
            rows.tokens = { 20 + step, out[0], out[1], out[2] };
            CHECK_OK(rows.decode(context));
            CHECK_OK(llatte_speculator_process(one.get(), rows.tokens.data(), 4, length, &error()));
            const int32_t right = step % 4;
            CHECK_OK(llatte_sequence_remove(context.get(), 0, length + 1 + right, -1, &error()));
            CHECK_OK(llatte_speculator_accept(one.get(), right, &error()));
            history.insert(history.end(), rows.tokens.begin(), rows.tokens.begin() + 1 + right);
        }
        // A sequence that it did not see from its start.
        CHECK_OK(llatte_context_clear(context.get(), &error()));
        begin(one, {});
        CHECK_OK(batch(8).decode(context));
        batch rows(4, 8);
        CHECK_OK(rows.decode(context));
        CHECK_OK(llatte_speculator_process(one.get(), rows.tokens.data(), 4, 8, &error()));
        auto seen = batch(12).tokens;
        std::vector<int32_t> out;
        CHECK_OK(draft(one, seen, 5, 3, out));
        CHECK(out.size() == 3);
    }
}

int main(int argc, char ** argv) {
    return fixture::main(argc, argv);
}
