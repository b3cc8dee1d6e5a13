// What llama.cpp makes of a text with a picture or sound: MODULES MODEL PROJECTOR TEXT OUT FILE. TEXT has libmtmd's own marker. OUT gets the number of
// positions and the logits of the last one, as 32-bit numbers.
#include "ggml-backend.h"
#include "llama.h"
#include "mtmd-helper.h"
#include "mtmd.h"

#include <cstdio>
#include <cstring>

int main(int argc, char ** argv) {
    if (argc != 7) {
        fprintf(stderr, "usage: %s MODULES MODEL PROJECTOR TEXT OUT FILE\n", argv[0]);
        return 2;
    }
    ggml_backend_load_all_from_path(argv[1]);
    llama_backend_init();
    llama_model_params model_params = llama_model_default_params();
    model_params.n_gpu_layers       = 0;
    llama_model * model             = llama_model_load_from_file(argv[2], model_params);
    if (model == nullptr) {
        return 1;
    }
    llama_context_params context_params = llama_context_default_params();
    context_params.n_ctx                = 512;
    context_params.n_batch              = 512;
    context_params.n_ubatch             = 512;
    context_params.n_threads            = 1;
    context_params.n_threads_batch      = 1;
    llama_context *     context         = llama_init_from_model(model, context_params);
    mtmd_context_params params          = mtmd_context_params_default();
    params.use_gpu                      = false;
    params.n_threads                    = 1;
    mtmd::context_ptr projector(mtmd_init_from_file(argv[3], model, params));
    if (context == nullptr || !projector) {
        return 1;
    }
    mtmd::bitmap_ptr bitmap(mtmd_helper_bitmap_init_from_file(projector.get(), argv[6], false, mtmd_helper_init_opt_default()).bitmap);
    if (!bitmap) {
        return 1;
    }
    mtmd::input_chunks_ptr chunks(mtmd_input_chunks_init());
    const mtmd_input_text  text{ argv[4], strlen(argv[4]), true, true };
    const mtmd_bitmap *    bitmaps[] = { bitmap.get() };
    llama_pos              positions = 0;
    if (mtmd_tokenize(projector.get(), chunks.get(), &text, bitmaps, 1) != 0 ||
        mtmd_helper_eval_chunks(projector.get(), context, chunks.get(), 0, 0, 512, true, &positions) != 0) {
        return 1;
    }
    const float * logits = llama_get_logits_ith(context, -1);
    FILE *        out    = fopen(argv[5], "wb");
    if (out == nullptr || logits == nullptr) {
        return 1;
    }
    const size_t count   = llama_vocab_n_tokens(llama_model_get_vocab(model));
    bool         written = fwrite(&positions, sizeof(positions), 1, out) == 1 && fwrite(logits, sizeof(float), count, out) == count;
    written              = fclose(out) == 0 && written;
    projector.reset();
    llama_free(context);
    llama_model_free(model);
    return written ? 0 : 1;
}
