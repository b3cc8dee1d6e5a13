// Tokens and texts.
#include "fixture.h"

using check::error;

namespace {

const fixture::model_ptr & speaking() {
    static fixture::model_ptr model = fixture::load(fixture::speaking_model());
    return model;
}

int32_t tokenize(const char * text, int32_t length, std::vector<int32_t> & tokens, int32_t * count) {
    return llatte_vocab_tokenize(speaking().get(), text, length, tokens.data(), static_cast<int32_t>(tokens.size()), true, true, count, &error());
}

} // namespace

// Patch 0003: the weights are not read here, so whoever is asked is asked by the vocabulary.
CASE(reading_can_be_stopped) {
    fixture::speaking_model();
    int  questions = 0;
    auto params    = llama_model_default_params();
    auto load      = [&](int stop_at) {
        struct state { int & questions; int stop_at; } asked = { questions = 0, stop_at };
        params.vocab_only                  = true;
        params.progress_callback_user_data = &asked;
        params.progress_callback           = [](float, void * data) {
            auto * s = static_cast<state *>(data);
            return ++s->questions != s->stop_at;
        };
        return std::unique_ptr<llama_model, decltype(&llama_model_free)>(
            llama_model_load_from_file(fixture::speaking_model().c_str(), params), llama_model_free);
    };
    CHECK(load(0) != nullptr);
    const int all = questions;
    CHECK(all > 5);
    for (int stop_at = 1; stop_at <= all; stop_at++) {
        CHECK(load(stop_at) == nullptr);
        CHECK(questions == stop_at);
    }
}

CASE(text_there_and_back) {
    std::vector<int32_t> tokens(64);
    int32_t              count = 0;
    CHECK_OK(tokenize("hello world", 11, tokens, &count));
    CHECK(count > 1 && tokens[0] == 1);
    char    text[64];
    int32_t length = 0;
    CHECK_OK(llatte_vocab_detokenize(speaking().get(), tokens.data(), count, text, sizeof(text), true, false, &length, &error()));
    CHECK(std::string(text, length).find("hello world") != std::string::npos);
}

CASE(negative_lengths) {
    std::vector<int32_t> tokens(64);
    int32_t              count = -7;
    char                 text[64];
    for (int32_t length : { -1, INT32_MIN }) {
        CHECK_STATUS(LLATTE_INVALID_ARGUMENT, tokenize("hello", length, tokens, &count));
        CHECK_STATUS(LLATTE_INVALID_ARGUMENT,
                     llatte_vocab_tokenize(speaking().get(), "a", 1, tokens.data(), length, true, true, &count, &error()));
        CHECK_STATUS(LLATTE_INVALID_ARGUMENT,
                     llatte_vocab_detokenize(speaking().get(), tokens.data(), length, text, 64, false, false, &count, &error()));
        CHECK_STATUS(LLATTE_INVALID_ARGUMENT,
                     llatte_vocab_detokenize(speaking().get(), tokens.data(), 1, text, length, false, false, &count, &error()));
        CHECK_STATUS(LLATTE_INVALID_ARGUMENT, llatte_vocab_piece(speaking().get(), 5, text, length, false, &count, &error()));
    }
    CHECK(count == -7);
}

CASE(null_texts_and_results) {
    int32_t      count = 0;
    int32_t      one   = 5;
    char         text[8];
    const char * entry = nullptr;
    float        score = 0;
    auto         model = speaking().get();
    CHECK_STATUS(LLATTE_INVALID_ARGUMENT, llatte_vocab_tokenize(nullptr, "a", 1, &one, 1, true, true, &count, &error()));
    CHECK_STATUS(LLATTE_INVALID_ARGUMENT, llatte_vocab_tokenize(model, nullptr, 1, &one, 1, true, true, &count, &error()));
    CHECK_STATUS(LLATTE_INVALID_ARGUMENT, llatte_vocab_tokenize(model, "a", 1, nullptr, 1, true, true, &count, &error()));
    CHECK_STATUS(LLATTE_INVALID_ARGUMENT, llatte_vocab_tokenize(model, "a", 1, &one, 1, true, true, nullptr, &error()));
    CHECK_STATUS(LLATTE_INVALID_ARGUMENT, llatte_vocab_detokenize(model, nullptr, 1, text, 8, false, false, &count, &error()));
    CHECK_STATUS(LLATTE_INVALID_ARGUMENT, llatte_vocab_detokenize(model, &one, 1, nullptr, 8, false, false, &count, &error()));
    CHECK_STATUS(LLATTE_INVALID_ARGUMENT, llatte_vocab_detokenize(model, &one, 1, text, 8, false, false, nullptr, &error()));
    CHECK_STATUS(LLATTE_INVALID_ARGUMENT, llatte_vocab_piece(model, 5, nullptr, 8, false, &count, &error()));
    CHECK_STATUS(LLATTE_INVALID_ARGUMENT, llatte_vocab_piece(nullptr, 5, text, 8, false, &count, &error()));
    CHECK_STATUS(LLATTE_INVALID_ARGUMENT, llatte_vocab_entry(model, 5, nullptr, &score, &count, &error()));
    CHECK_STATUS(LLATTE_INVALID_ARGUMENT, llatte_vocab_entry(model, 5, &entry, nullptr, &count, &error()));
    CHECK_STATUS(LLATTE_INVALID_ARGUMENT, llatte_vocab_entry(model, 5, &entry, &score, nullptr, &error()));
}

CASE(vocab_bad_ids) {
    char         text[8];
    int32_t      length = 0;
    const char * entry  = nullptr;
    float        score  = 0;
    for (int32_t token : { -1, 128, INT32_MAX, INT32_MIN }) {
        CHECK_STATUS(LLATTE_INVALID_ARGUMENT, llatte_vocab_piece(speaking().get(), token, text, 8, true, &length, &error()));
        CHECK_STATUS(LLATTE_INVALID_ARGUMENT, llatte_vocab_entry(speaking().get(), token, &entry, &score, &length, &error()));
        CHECK_STATUS(LLATTE_INVALID_ARGUMENT, llatte_vocab_detokenize(speaking().get(), &token, 1, text, 8, true, true, &length, &error()));
        CHECK(error().requested == token && error().available == 128);
    }
    CHECK_OK(llatte_vocab_entry(speaking().get(), 1, &entry, &score, &length, &error()));
    CHECK(std::string(entry) == "<s>");
}

CASE(buffers_that_are_too_small) {
    std::vector<int32_t> tokens(2);
    std::vector<int32_t> none;
    int32_t              count = 0;
    CHECK_STATUS(LLATTE_BUFFER_TOO_SMALL, tokenize("hello world and more", 20, tokens, &count));
    CHECK(count > 2 && error().requested == count && error().available == 2);
    const int32_t needed = count;
    CHECK_STATUS(LLATTE_BUFFER_TOO_SMALL, tokenize("hello world and more", 20, none, &count));
    CHECK(count == needed);
    tokens.resize(needed);
    CHECK_OK(tokenize("hello world and more", 20, tokens, &count));
    char    text[4];
    int32_t length = 0;
    CHECK_STATUS(LLATTE_BUFFER_TOO_SMALL,
                 llatte_vocab_detokenize(speaking().get(), tokens.data(), count, text, 4, true, false, &length, &error()));
    CHECK(length > 4);
    CHECK_STATUS(LLATTE_BUFFER_TOO_SMALL, llatte_vocab_piece(speaking().get(), 5, nullptr, 0, true, &length, &error()));
    CHECK(length == 1);
}

CASE(texts_that_are_no_utf8) {
    std::vector<int32_t> tokens(4096);
    std::vector<char>    text(65536);
    int32_t              count  = 0;
    int32_t              length = 0;
    for (const std::string & bytes : { std::string("\xff\xfe\xfd"), std::string("\xe2\x82"), std::string("a\0b", 3), std::string(),
                                       std::string("\xf4\x90\x80\x80"), std::string(3000, '\x80'), std::string("<s></s><unk>") }) {
        for (bool special : { false, true }) {
            const int32_t status = llatte_vocab_tokenize(speaking().get(), bytes.data(), static_cast<int32_t>(bytes.size()), tokens.data(), 4096,
                                                         special, special, &count, &error());
            // This vocabulary has no tokens for bytes.
            CHECK(status == LLATTE_OK || status == LLATTE_BUFFER_TOO_SMALL || status == LLATTE_INVALID_STATE);
            if (status == LLATTE_OK) {
                CHECK_OK(llatte_vocab_detokenize(speaking().get(), tokens.data(), count, text.data(), 65536, false, true, &length, &error()));
            }
        }
    }
}

CASE(a_model_without_a_vocabulary) {
    auto none = [](gguf_context * gguf) {
        gguf_remove_key(gguf, "tokenizer.ggml.tokens");
        gguf_set_val_str(gguf, "tokenizer.ggml.model", "no_vocab");
        gguf_set_val_u32(gguf, "llama.vocab_size", 128);
    };
    auto                 model = fixture::load(fixture::edited_model(fixture::model_path("llama-dense"), "mute", none));
    std::vector<int32_t> tokens(8);
    int32_t              count = 0;
    char                 text[8];
    const char *         entry = nullptr;
    float                score = 0;
    CHECK_STATUS(LLATTE_INVALID_STATE, llatte_vocab_tokenize(model.get(), "a", 1, tokens.data(), 8, true, true, &count, &error()));
    CHECK_STATUS(LLATTE_INVALID_STATE, llatte_vocab_detokenize(model.get(), tokens.data(), 1, text, 8, true, true, &count, &error()));
    CHECK_STATUS(LLATTE_INVALID_STATE, llatte_vocab_piece(model.get(), 1, text, 8, true, &count, &error()));
    CHECK_STATUS(LLATTE_INVALID_STATE, llatte_vocab_entry(model.get(), 1, &entry, &score, &count, &error()));
    llatte_sampler * raw = nullptr;
    CHECK_OK(llatte_sampler_create(model.get(), &raw, &error()));
    fixture::sampler_ptr sampler(raw);
    CHECK_STATUS(LLATTE_INVALID_STATE, llatte_sampler_add_grammar(raw, "root ::= \"a\"", "root", &error()));
    CHECK_STATUS(LLATTE_INVALID_STATE, llatte_sampler_add_dry(raw, 1, 1, 2, 64, nullptr, 0, &error()));
}

int main(int argc, char ** argv) {
    return fixture::main(argc, argv);
}
