// Pictures and sounds for a model, against libmtmd's own helper on the same files.
#include "fixture.h"

#include "mtmd-helper.h"
#include "mtmd.h"

#include <cmath>
#include <cstring>
#include <fstream>
#include <iterator>

using check::error;
using fixture::batch;

namespace {

constexpr const char * marker = "<__picture__>";

struct projector_deleter {
    void operator()(llatte_projector * one) const { llatte_projector_free(one); }
};
struct media_deleter {
    void operator()(llatte_media * one) const { llatte_media_free(one); }
};
struct prompt_deleter {
    void operator()(llatte_media_prompt * one) const { llatte_media_prompt_free(one); }
};
using projector_ptr = std::unique_ptr<llatte_projector, projector_deleter>;
using media_ptr     = std::unique_ptr<llatte_media, media_deleter>;
using prompt_ptr    = std::unique_ptr<llatte_media_prompt, prompt_deleter>;

struct family {
    std::string model;
    std::string projector;
    bool        non_causal;
};

std::string speaking_gemma() {
    static const std::string path = fixture::edited_model(fixture::model_path("gemma3-dense"), "speaking-gemma", [](gguf_context * gguf) {
        fixture::set_vocabulary(gguf, fixture::vocabulary());
    });
    return path;
}

std::vector<family> families() {
    return { { fixture::speaking_model(), fixture::model_path("mmproj-mlp-1"), false }, { speaking_gemma(), fixture::model_path("mmproj-gemma3"), true } };
}

llatte_projector_params params() {
    return { false, 1, -1, -1 };
}

projector_ptr load(const fixture::model_ptr & model, const std::string & path) {
    const auto         how = params();
    llatte_projector * out = nullptr;
    CHECK_OK(llatte_projector_load(model.get(), path.c_str(), &how, marker, &out, &error()));
    return projector_ptr(out);
}

int32_t try_load(const fixture::model_ptr & model, const std::string & path, llatte_projector_params how = params()) {
    llatte_projector * out    = nullptr;
    const int32_t      status = llatte_projector_load(model.get(), path.c_str(), &how, marker, &out, &error());
    CHECK((status == LLATTE_OK) == (out != nullptr));
    llatte_projector_free(out);
    return status;
}

std::vector<uint8_t> bytes_of(const std::string & path) {
    std::ifstream in(path, std::ios::binary);
    return { std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>() };
}

media_ptr picture() {
    const auto     file = bytes_of(LLATTE_PICTURE);
    llatte_media * out  = nullptr;
    CHECK_OK(llatte_media_from_image(file.data(), file.size(), 1 << 24, &out, &error()));
    return media_ptr(out);
}

int32_t try_picture(const std::vector<uint8_t> & file, int64_t max_pixels = 1 << 24) {
    llatte_media * out    = nullptr;
    const int32_t  status = llatte_media_from_image(file.data(), file.size(), max_pixels, &out, &error());
    CHECK((status == LLATTE_OK) == (out != nullptr));
    llatte_media_free(out);
    return status;
}

prompt_ptr prompt_of(const projector_ptr & projector, const std::string & text, const std::vector<llatte_media *> & media) {
    llatte_media_prompt * out = nullptr;
    CHECK_OK(llatte_media_prompt_create(projector.get(), text.c_str(), text.size(), true, media.data(), static_cast<int32_t>(media.size()), &out,
                                        &error()));
    return prompt_ptr(out);
}

// Wide enough for a sound's 750 positions too.
llama_context_params wide() {
    auto how            = fixture::context_params();
    how.n_ctx           = 1024;
    how.n_seq_max       = 1;
    how.n_batch         = 1024;
    how.n_ubatch        = 1024;
    how.n_threads       = 1;
    how.n_threads_batch = 1;
    return how;
}

// Evaluates a prompt by our calls; `encoded` counts the computations.
std::vector<float> evaluate(const fixture::model_ptr & model, const projector_ptr & projector, const prompt_ptr & prompt, int32_t & positions) {
    const auto            context = fixture::context(model, wide());
    llatte_projector_info info;
    CHECK_OK(llatte_projector_get_info(projector.get(), &info, &error()));
    int32_t chunks = 0;
    CHECK_OK(llatte_media_prompt_size(prompt.get(), &chunks, &error()));
    positions = 0;
    for (int32_t i = 0; i < chunks; i++) {
        llatte_chunk chunk;
        CHECK_OK(llatte_media_prompt_chunk(prompt.get(), i, &chunk, &error()));
        batch rows(chunk.n_tokens, positions);
        rows.outputs.back() = i == chunks - 1;
        if (chunk.kind == LLATTE_CHUNK_TEXT) {
            rows.tokens.assign(chunk.tokens, chunk.tokens + chunk.n_tokens);
        } else {
            rows.tokens.clear();
            rows.embeddings.resize(static_cast<size_t>(chunk.n_tokens) * info.n_embd);
            CHECK_OK(llatte_projector_encode(projector.get(), prompt.get(), i, rows.embeddings.data(), rows.embeddings.size(), &error()));
            CHECK_OK(llatte_context_set_causal(context.get(), !chunk.non_causal, &error()));
        }
        CHECK_OK(rows.decode(context));
        CHECK_OK(llatte_context_set_causal(context.get(), true, &error()));
        positions += chunk.n_tokens;
    }
    return fixture::logits(context, model);
}

std::vector<float> by_helper(const family & one, const std::string & text, llama_pos & positions, const char * file = LLATTE_PICTURE) {
    llama_model *       model   = llama_model_load_from_file(one.model.c_str(), fixture::model_params());
    llama_context *     context = llama_init_from_model(model, wide());
    mtmd_context_params how     = mtmd_context_params_default();
    how.use_gpu                 = false;
    how.n_threads               = 1;
    how.media_marker            = marker;
    mtmd::context_ptr      projector(mtmd_init_from_file(one.projector.c_str(), model, how));
    mtmd::bitmap_ptr       bitmap(mtmd_helper_bitmap_init_from_file(projector.get(), file, false, mtmd_helper_init_opt_default()).bitmap);
    mtmd::input_chunks_ptr chunks(mtmd_input_chunks_init());
    const mtmd_input_text  input{ text.data(), text.size(), true, true };
    const mtmd_bitmap *    bitmaps[] = { bitmap.get() };
    positions                        = 0;
    CHECK(mtmd_tokenize(projector.get(), chunks.get(), &input, bitmaps, 1) == 0);
    CHECK(mtmd_helper_eval_chunks(projector.get(), context, chunks.get(), 0, 0, 1024, true, &positions) == 0);
    const float *      logits = llama_get_logits_ith(context, -1);
    std::vector<float> all(logits, logits + llama_vocab_n_tokens(llama_model_get_vocab(model)));
    projector.reset();
    llama_free(context);
    llama_model_free(model);
    return all;
}

CASE(logits_are_those_of_libmtmds_own_helper) {
    for (const auto & one : families()) {
        const std::string text      = std::string("hello ") + marker + " world";
        const auto        model     = fixture::load(one.model);
        const auto        projector = load(model, one.projector);
        const auto        image     = picture();
        const auto        prompt    = prompt_of(projector, text, { image.get() });
        int32_t           positions = 0;
        llama_pos         expected  = 0;
        const auto        ours      = evaluate(model, projector, prompt, positions);
        CHECK(ours == by_helper(one, text, expected));
        CHECK(positions == expected && positions > 16);
        llatte_projector_info info;
        CHECK_OK(llatte_projector_get_info(projector.get(), &info, &error()));
        CHECK(info.vision && !info.audio && info.sample_rate == -1 && info.non_causal == one.non_causal);
    }
}

CASE(sounds_are_heard_as_libmtmds_own_helper_hears_them) {
    const family      ear{ fixture::speaking_model(), fixture::model_path("mmproj-qwen2a"), false };
    const std::string text      = std::string("hello ") + marker + " world";
    const auto        model     = fixture::load(ear.model);
    const auto        projector = load(model, ear.projector);
    llatte_projector_info info;
    CHECK_OK(llatte_projector_get_info(projector.get(), &info, &error()));
    CHECK(!info.vision && info.audio && info.sample_rate == 16000);

    // A second of a tone, as a WAV of 16 bits; and a real MP3.
    const std::string         wav = fixture::where().scratch + "/tone.wav";
    std::vector<float>        tone(16000);
    std::vector<uint8_t>      bytes;
    const auto                put = [&](uint32_t value, int count) {
        for (int i = 0; i < count; i++) {
            bytes.push_back(static_cast<uint8_t>(value >> 8 * i));
        }
    };
    const auto                say = [&](const char * word) { bytes.insert(bytes.end(), word, word + 4); };
    say("RIFF"), put(36 + 32000, 4), say("WAVE"), say("fmt "), put(16, 4), put(1, 2), put(1, 2), put(16000, 4), put(32000, 4), put(2, 2), put(16, 2);
    say("data"), put(32000, 4);
    for (size_t i = 0; i < tone.size(); i++) {
        const auto sample = static_cast<int16_t>(16000 * std::sin(static_cast<float>(i) * 0.17f));
        put(static_cast<uint16_t>(sample), 2);
        tone[i] = static_cast<float>(sample) / 32768.0f;
    }
    std::ofstream(wav, std::ios::binary).write(reinterpret_cast<const char *>(bytes.data()), static_cast<std::streamsize>(bytes.size()));

    std::vector<std::vector<float>> heard;
    for (const std::string & file : { wav, std::string(LLATTE_SOUND) }) {
        const auto     data = bytes_of(file);
        llatte_media * out  = nullptr;
        CHECK_OK(llatte_media_from_audio(projector.get(), data.data(), data.size(), 60, &out, &error()));
        const media_ptr  sound(out);
        const auto       prompt    = prompt_of(projector, text, { sound.get() });
        int32_t          positions = 0;
        llama_pos        expected  = 0;
        heard.push_back(evaluate(model, projector, prompt, positions));
        CHECK(heard.back() == by_helper(ear, text, expected, file.c_str()));
        CHECK(positions == expected && positions > 700);
        CHECK_STATUS(LLATTE_MEDIA_FAILED, llatte_media_from_audio(projector.get(), data.data(), 30, 60, &out, &error()));
    }
    CHECK(heard[0] != heard[1]);
    llatte_media * samples = nullptr;
    CHECK_OK(llatte_media_from_samples(tone.data(), tone.size(), &samples, &error()));
    const media_ptr own(samples);
    const auto      prompt    = prompt_of(projector, text, { own.get() });
    int32_t         positions = 0;
    CHECK(evaluate(model, projector, prompt, positions) == heard[0]);
    llatte_media * image = picture().release();
    llatte_media_prompt * refused = nullptr;
    CHECK(llatte_media_prompt_create(projector.get(), text.c_str(), text.size(), true, &image, 1, &refused, &error()) == LLATTE_MEDIA_FAILED);
    llatte_media_free(image);
}

CASE(pixels_are_what_a_file_is_decoded_to) {
    const auto           one   = families()[0];
    const auto           model = fixture::load(one.model);
    const auto           projector = load(model, one.projector);
    std::vector<uint8_t> rgb(40 * 30 * 3);
    for (size_t i = 0; i < rgb.size(); i++) {
        rgb[i] = static_cast<uint8_t>(i * 7);
    }
    // The same as a BMP: rows from below, blue first.
    std::vector<uint8_t> bmp = { 'B', 'M' };
    const auto           put = [&](uint32_t value, int bytes) {
        for (int i = 0; i < bytes; i++) {
            bmp.push_back(static_cast<uint8_t>(value >> 8 * i));
        }
    };
    put(54 + rgb.size(), 4), put(0, 4), put(54, 4), put(40, 4), put(40, 4), put(30, 4), put(1, 2), put(24, 2), put(0, 4), put(rgb.size(), 4);
    put(0, 4), put(0, 4), put(0, 4), put(0, 4);
    for (int y = 29; y >= 0; y--) {
        for (int x = 0; x < 40; x++) {
            for (int c = 2; c >= 0; c--) {
                bmp.push_back(rgb[(y * 40 + x) * 3 + c]);
            }
        }
    }
    llatte_media * out = nullptr;
    CHECK_OK(llatte_media_from_pixels(rgb.data(), 40, 30, &out, &error()));
    const media_ptr pixels(out);
    CHECK_OK(llatte_media_from_image(bmp.data(), bmp.size(), 1200, &out, &error()));
    const media_ptr file(out);
    CHECK(try_picture(bmp, 1199) == LLATTE_MEDIA_FAILED);
    CHECK(error().requested == 1200 && error().available == 1199);
    int32_t width = 0, height = 0;
    CHECK_OK(llatte_image_size(bmp.data(), bmp.size(), &width, &height, &error()));
    CHECK(width == 40 && height == 30);
    int32_t    positions = 0;
    const auto by_pixels = evaluate(model, projector, prompt_of(projector, marker, { pixels.get() }), positions);
    CHECK(by_pixels == evaluate(model, projector, prompt_of(projector, marker, { file.get() }), positions));
    const auto other = picture();
    CHECK(by_pixels != evaluate(model, projector, prompt_of(projector, marker, { other.get() }), positions));
}

CASE(what_is_no_picture_is_refused) {
    const auto           file = bytes_of(LLATTE_PICTURE);
    const std::string    text = "this is no picture at all";
    std::vector<uint8_t> png  = { 0x89, 'P', 'N', 'G', 13, 10, 26, 10, 0, 0, 0, 13, 'I', 'H', 'D', 'R', 0, 0, 0x27, 0x10, 0, 0, 0x27, 0x10, 8, 2, 0, 0, 0, 1, 2, 3, 4,
                                  0, 0, 0, 0, 'I', 'D', 'A', 'T' };
    CHECK(try_picture({ text.begin(), text.end() }) == LLATTE_MEDIA_FAILED);
    CHECK(try_picture(png) == LLATTE_MEDIA_FAILED);
    CHECK(error().requested == 100000000 && error().available == 1 << 24);
    CHECK(try_picture(png, 1 << 28) == LLATTE_MEDIA_FAILED); // decoded, and nothing there
    png[19] = 0, png[18] = 0;
    CHECK(try_picture(png) == LLATTE_MEDIA_FAILED);
    CHECK(try_picture({ file.begin(), file.begin() + 100 }) == LLATTE_MEDIA_FAILED);
    CHECK(try_picture({ file.begin(), file.begin() + 1 }) == LLATTE_MEDIA_FAILED);
    CHECK(try_picture({}) == LLATTE_INVALID_ARGUMENT);
    llatte_media * out = nullptr;
    const uint8_t  rgb[3] = {};
    CHECK(llatte_media_from_pixels(rgb, 0, 1, &out, &error()) == LLATTE_INVALID_ARGUMENT);
    CHECK(llatte_media_from_pixels(rgb, 1 << 16, 1 << 16, &out, &error()) == LLATTE_INVALID_ARGUMENT);
    CHECK(llatte_media_from_pixels(nullptr, 1, 1, &out, &error()) == LLATTE_INVALID_ARGUMENT);
    const float samples[] = { 0, NAN };
    CHECK(llatte_media_from_samples(samples, 2, &out, &error()) == LLATTE_INVALID_ARGUMENT);
    CHECK(llatte_media_from_samples(samples, 1, &out, &error()) == LLATTE_INVALID_ARGUMENT);
}

CASE(calls_that_do_not_fit_are_refused) {
    const auto            one       = families()[0];
    const auto            model     = fixture::load(one.model);
    const auto            projector = load(model, one.projector);
    const auto            image     = picture();
    llatte_media *        media[]   = { image.get(), image.get() };
    llatte_media_prompt * out       = nullptr;
    const std::string     text      = marker;
    for (int32_t n : { 0, 2 }) {
        CHECK(llatte_media_prompt_create(projector.get(), text.c_str(), text.size(), true, media, n, &out, &error()) == LLATTE_INVALID_ARGUMENT);
        CHECK(error().requested == 1 && error().available == n);
    }
    const float    samples[] = { 0, 0.5f };
    llatte_media * sound     = nullptr;
    CHECK_OK(llatte_media_from_samples(samples, 2, &sound, &error()));
    CHECK(llatte_media_prompt_create(projector.get(), text.c_str(), text.size(), true, &sound, 1, &out, &error()) == LLATTE_MEDIA_FAILED);
    llatte_media_free(sound);
    const auto         prompt = prompt_of(projector, "hello" + text, { image.get() });
    std::vector<float> room(16 * 256);
    CHECK(llatte_projector_encode(projector.get(), prompt.get(), 0, room.data(), room.size(), &error()) == LLATTE_INVALID_ARGUMENT);
    CHECK(llatte_projector_encode(projector.get(), prompt.get(), 7, room.data(), room.size(), &error()) == LLATTE_INVALID_ARGUMENT);
    CHECK(llatte_projector_encode(projector.get(), prompt.get(), 1, room.data(), 16 * 256 - 1, &error()) == LLATTE_BUFFER_TOO_SMALL);
    CHECK_OK(llatte_projector_encode(projector.get(), prompt.get(), 1, room.data(), room.size(), &error()));
    const auto other = load(model, fixture::model_path("mmproj-mlp-2"));
    CHECK(llatte_projector_encode(other.get(), prompt.get(), 1, room.data(), room.size(), &error()) == LLATTE_INVALID_ARGUMENT);
}

CASE(what_is_no_projector_of_the_model_is_refused) {
    const auto        model = fixture::load(fixture::speaking_model());
    const std::string good  = fixture::model_path("mmproj-mlp-1");
    CHECK(try_load(model, fixture::speaking_model()) == LLATTE_LOAD_FAILED);
    CHECK(try_load(model, LLATTE_PICTURE) == LLATTE_LOAD_FAILED);
    CHECK(try_load(model, "missing.gguf") == LLATTE_LOAD_FAILED);
    CHECK(try_load(fixture::load(fixture::model_path("qwen2vl-dense")), good) == LLATTE_LOAD_FAILED); // M-RoPE
    const auto        whole = bytes_of(good);
    const std::string cut   = fixture::where().scratch + "/cut.gguf";
    std::ofstream(cut, std::ios::binary).write(reinterpret_cast<const char *>(whole.data()), whole.size() - 1000);
    CHECK(try_load(model, cut) == LLATTE_LOAD_FAILED);
    CHECK(strstr(error().message, "truncated") != nullptr);
    const std::vector<std::pair<const char *, uint32_t>> bad = {
        { "clip.vision.attention.head_count", 0 }, { "clip.vision.attention.head_count", 3 },   { "clip.vision.patch_size", 0 },
        { "clip.vision.patch_size", 64 },          { "clip.vision.patch_size", 4 },             { "clip.vision.image_size", 1 << 20 },
        { "clip.vision.embedding_length", 0 },     { "clip.vision.block_count", 1 << 20 },      { "clip.vision.block_count", 3 },
        { "clip.vision.image_size", 4096 },        { "clip.vision.projector.scale_factor", 0 }, { "clip.vision.embedding_length", 64 },
    };
    for (const auto & [key, value] : bad) {
        const auto path = fixture::edited_model(good, "bad-projector", [&, k = key, v = value](gguf_context * gguf) { gguf_set_val_u32(gguf, k, v); });
        CHECK(try_load(model, path) != LLATTE_OK);
    }
    const auto typed = fixture::edited_model(good, "typed", [](gguf_context * gguf) { gguf_set_val_str(gguf, "clip.vision.image_size", "many"); });
    CHECK(try_load(model, typed) != LLATTE_OK);
    for (auto how : { llatte_projector_params{ false, 0, -1, -1 }, llatte_projector_params{ false, 1, 9, 8 }, llatte_projector_params{ false, 1, 0, -1 } }) {
        CHECK(try_load(model, good, how) == LLATTE_INVALID_ARGUMENT);
    }
    CHECK_OK(try_load(model, good));
}

CASE(plan_allocates_nothing_and_says_the_bytes) {
    const auto          how = params();
    llatte_memory_entry entries[8];
    int32_t             count = 0;
    CHECK_OK(llatte_projector_plan(fixture::model_path("mmproj-mlp-1").c_str(), &how, entries, 8, &count, &error()));
    CHECK(count == 1 && strcmp(entries[0].device, "CPU") == 0 && entries[0].model_bytes > 400000);
    CHECK(llatte_projector_plan(fixture::model_path("mmproj-mlp-1").c_str(), &how, entries, 0, &count, &error()) == LLATTE_BUFFER_TOO_SMALL);
    CHECK(llatte_projector_plan(fixture::speaking_model().c_str(), &how, entries, 8, &count, &error()) == LLATTE_LOAD_FAILED);
}

} // namespace

int main(int argc, char ** argv) {
    return fixture::main(argc, argv);
}
