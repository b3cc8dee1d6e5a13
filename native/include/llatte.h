/* llatte.h - the C ABI of libllatte, the shim between llama.cpp and any foreign-function caller.
 *
 * WHY      llama.cpp answers misuse with abort(), a C++ exception or a signal, and passes large structs by value. Each of
 *          these ends a JVM or is slow to call through it. Here every call checks its arguments first, contains what llama.cpp
 *          throws, and returns a status with a message and numbers.
 *
 * STATUS   Functions that can fail return `enum llatte_status` as int32_t, write results through out-pointers (untouched on
 *          failure), and fill `error` when it is not NULL. On LLATTE_OK `error` is not written, so a caller may reuse one.
 *
 * CONTAIN  A failed GGML_ASSERT on the calling thread becomes LLATTE_INTERNAL. The context it happened in is poisoned: later
 *          calls on it return LLATTE_POISONED, and it can only be freed. An assert on a compute thread, a signal (a stack
 *          overflow, an integer division by zero), a CUDA error and a lost RPC peer cannot be contained in this process.
 *
 * THREADS  A llatte_context and the samplers used with it belong to one thread at a time. A llatte_model may be shared.
 *          Tokenization, templates and GGUF calls may run on any thread. Free contexts before their model.
 *
 * TEXT     UTF-8. Inputs are NUL-terminated unless a length stands beside them. Lengths are bytes.
 */
#ifndef LLATTE_H
#define LLATTE_H

#include <stdbool.h>
#include <stdint.h>

#include "gguf.h"
#include "llama.h"

#if defined(_WIN32)
#    ifdef LLATTE_BUILD
#        define LLATTE_API __declspec(dllexport)
#    else
#        define LLATTE_API __declspec(dllimport)
#    endif
#else
#    define LLATTE_API __attribute__((visibility("default")))
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* ---- errors ------------------------------------------------------------------------------------------------------------ */

enum llatte_status {
    LLATTE_OK                  = 0,
    LLATTE_INVALID_ARGUMENT    = 1,  /* a value out of its range; `requested` is the value, `available` the limit          */
    LLATTE_INVALID_STATE       = 2,  /* the handle cannot do this now (no logits at that index, a vocabulary-only model)    */
    LLATTE_OUT_OF_MEMORY       = 3,  /* an allocation was refused; `requested` is its bytes where known                     */
    LLATTE_CONTEXT_FULL        = 4,  /* no room in the KV cache; `requested` tokens, `available` cells of the context       */
    LLATTE_CANCELLED           = 5,  /* the control's `cancel` was set                                                      */
    LLATTE_LOAD_FAILED         = 6,  /* a model, adapter or GGUF file is missing, broken or unsupported                     */
    LLATTE_DECODE_FAILED       = 7,  /* llama_decode or llama_encode refused the batch; `requested` is its return code      */
    LLATTE_TEMPLATE_FAILED     = 8,  /* a chat template could not be parsed or rendered, or its output not parsed           */
    LLATTE_GRAMMAR_FAILED      = 9,  /* a grammar or schema could not be parsed, or has no continuation                     */
    LLATTE_BACKEND_UNAVAILABLE = 10, /* no usable backend module in the folder                                              */
    LLATTE_STATE_CORRUPT       = 11, /* a saved state is truncated, altered or another model's                              */
    LLATTE_BUFFER_TOO_SMALL    = 12, /* `requested` is the needed length, `available` the given one                         */
    LLATTE_IO_FAILED           = 13, /* a file could not be written                                                         */
    LLATTE_POISONED            = 14, /* an earlier LLATTE_INTERNAL left this context unusable                               */
    LLATTE_INTERNAL            = 15, /* llama.cpp asserted or threw what this header does not foresee                       */
    LLATTE_CANNOT_SPECULATE    = 16, /* this model, cache or draft model does not allow speculative decoding                */
    LLATTE_MEDIA_FAILED        = 17, /* a picture or sound is broken, too large, or of no known format                        */
};

struct llatte_error {
    int64_t requested;     /* what was asked, or -1 */
    int64_t available;     /* what there was, or -1 */
    int32_t status;
    char    message[1004]; /* NUL-terminated, cut on a UTF-8 boundary */
};

/* Text owned by the shim: free it with llatte_text_free, once. */
struct llatte_text {
    char *  data;   /* NUL-terminated */
    int64_t length; /* bytes, without the NUL */
};

LLATTE_API void llatte_text_free(struct llatte_text * text);

/* ---- process ------------------------------------------------------------------------------------------------------------ */

/* Loads every usable backend module of `backend_dir` (never the working directory or that of the executable), installs the log
 * and abort callbacks, and initialises llama.cpp. Calls after the first return LLATTE_OK and do nothing. Sets GGML_NO_BACKTRACE:
 * without it an assert forks a debugger. */
LLATTE_API int32_t llatte_init(const char * backend_dir, struct llatte_error * error);

/* llama.cpp's own version is llama_version(). */
LLATTE_API const char * llatte_version(void);

/* The layout of every struct that a caller shares with the library, as text: a line `name size` for each struct, followed by a line
 * `name.field offset size` for each of its fields. A caller compares it with the layouts that it was generated from. */
LLATTE_API int32_t llatte_abi_describe(struct llatte_text * out, struct llatte_error * error);

/* What became of each backend module of the folder given to llatte_init, as JSON:
 * [{"name","file","loaded","devices","reason","features":{}}]; `reason` says why one is absent, "" where it is loaded. */
LLATTE_API int32_t llatte_backend_report(struct llatte_text * out, struct llatte_error * error);

/* Free and total bytes of a device (0 <= index < ggml_backend_dev_count()), read from its driver. For the CPU llama.cpp reports the
 * machine's total as free: a caller asks its operating system instead. */
LLATTE_API int32_t llatte_device_memory(int32_t index, int64_t * free_bytes, int64_t * total_bytes, struct llatte_error * error);

/* ---- log ---------------------------------------------------------------------------------------------------------------- */

/* Takes the oldest captured log line, waiting up to `timeout_ms` (0: not at all). Returns its length in bytes, or -1 where none came.
 * `level` is a ggml_log_level. A line longer than `capacity` is cut. Lines are assembled from fragments for each thread; the ring keeps
 * the latest 4096 lines. */
LLATTE_API int32_t llatte_log_take(char * buffer, int32_t capacity, int32_t * level, int32_t timeout_ms);

/* Lines lost since the start because nobody took them in time. */
LLATTE_API int64_t llatte_log_dropped(void);

/* Wakes a waiting llatte_log_take, which then returns -1. */
LLATTE_API void llatte_log_wake(void);

/* ---- control: flags shared with the caller, so that nothing calls back into it ------------------------------------------- */

/* Caller-owned memory that must outlive every call and every context it was given to. Both sides access it atomically. */
struct llatte_control {
    int32_t cancel;   /* the caller sets 1 to stop the running call, and 0 before the next                               */
    float   progress; /* the shim writes 0.0 .. 1.0 while a model loads                                                  */
};

/* ---- models -------------------------------------------------------------------------------------------------------------- */

struct llatte_model;

LLATTE_API void llatte_model_default_params(struct llama_model_params * out);

/* Loads a GGUF. The header is checked first for what makes llama.cpp abort. `params->progress_callback` must be NULL: `control` (may be
 * NULL) reports progress and cancels. LLATTE_LOAD_FAILED carries llama.cpp's own last error line. */
LLATTE_API int32_t llatte_model_load(const char * path, const struct llama_model_params * params, struct llatte_control * control,
                                     struct llatte_model ** out, struct llatte_error * error);

/* NULL is allowed. Every context of the model must have been freed. */
LLATTE_API void llatte_model_free(struct llatte_model * model);

/* The llama_model inside, for the read-only getters of llama.h. Valid until llatte_model_free. */
LLATTE_API struct llama_model * llatte_model_handle(struct llatte_model * model);

/* Writes a quantised copy of a model. `params` may be NULL for the defaults. The caller removes a half-written output. */
LLATTE_API int32_t llatte_model_quantize(const char * input_path, const char * output_path,
                                         const struct llama_model_quantize_params * params, struct llatte_error * error);
LLATTE_API void    llatte_model_quantize_default_params(struct llama_model_quantize_params * out);

/* ---- vocabulary ---------------------------------------------------------------------------------------------------------- */

/* Writes up to `capacity` ids; `count` gets the number of ids, also with LLATTE_BUFFER_TOO_SMALL. */
LLATTE_API int32_t llatte_vocab_tokenize(const struct llatte_model * model, const char * text, int32_t text_length,
                                         int32_t * tokens, int32_t capacity, bool add_special, bool parse_special,
                                         int32_t * count, struct llatte_error * error);

/* Writes up to `capacity` bytes; `length` gets the number of bytes, also with LLATTE_BUFFER_TOO_SMALL. */
LLATTE_API int32_t llatte_vocab_detokenize(const struct llatte_model * model, const int32_t * tokens, int32_t count,
                                           char * text, int32_t capacity, bool remove_special, bool unparse_special,
                                           int32_t * length, struct llatte_error * error);

/* One token's bytes, which may be part of a UTF-8 sequence. `special`: also render control tokens. */
LLATTE_API int32_t llatte_vocab_piece(const struct llatte_model * model, int32_t token, char * buffer, int32_t capacity,
                                      bool special, int32_t * length, struct llatte_error * error);

/* The vocabulary's entry for a token: its text (borrowed, valid as long as the model), score and llama_token_attr bits. */
LLATTE_API int32_t llatte_vocab_entry(const struct llatte_model * model, int32_t token, const char ** text, float * score,
                                      int32_t * attributes, struct llatte_error * error);

/* ---- contexts ------------------------------------------------------------------------------------------------------------ */

struct llatte_context;

LLATTE_API void llatte_context_default_params(struct llama_context_params * out);

/* `params` must leave the callbacks, samplers and ctx_other NULL. `control` (may be NULL) cancels a running decode: within one graph node
 * on the CPU and Metal, after the running decode on CUDA and Vulkan. */
LLATTE_API int32_t llatte_context_create(struct llatte_model * model, const struct llama_context_params * params,
                                         struct llatte_control * control, struct llatte_context ** out, struct llatte_error * error);
LLATTE_API void    llatte_context_free(struct llatte_context * context); /* NULL is allowed */

/* The llama_context inside, for the read-only getters of llama.h. Valid until llatte_context_free. */
LLATTE_API struct llama_context * llatte_context_handle(struct llatte_context * context);

/* Evaluates a batch. All arrays have `n_tokens` rows. Exactly one of `tokens` and `embeddings` ([n_tokens][n_embd_inp]) is not NULL.
 * Row i belongs to the `sequence_counts[i]` sequences at `sequences[i * sequence_stride]`; `outputs[i] != 0` asks for its logits.
 * LLATTE_CONTEXT_FULL and LLATTE_INVALID_ARGUMENT leave the cache as it was. After LLATTE_CANCELLED the micro-batches that were finished
 * stay in it: read llatte_sequence_range. */
LLATTE_API int32_t llatte_context_decode(struct llatte_context * context, int32_t n_tokens, const int32_t * tokens,
                                         const float * embeddings, const int32_t * positions, const int32_t * sequence_counts,
                                         const int32_t * sequences, int32_t sequence_stride, const int8_t * outputs,
                                         struct llatte_error * error);

/* The same for the encoder of an encoder model; at most n_ubatch tokens. */
LLATTE_API int32_t llatte_context_encode(struct llatte_context * context, int32_t n_tokens, const int32_t * tokens,
                                         const float * embeddings, const int32_t * positions, const int32_t * sequence_counts,
                                         const int32_t * sequences, int32_t sequence_stride, const int8_t * outputs,
                                         struct llatte_error * error);

/* The n_vocab unnormalised scores of a row of the last decode that asked for output; -1 is its last output. Borrowed until the next decode. */
LLATTE_API int32_t llatte_context_logits(struct llatte_context * context, int32_t row, const float ** out, struct llatte_error * error);

#define LLATTE_MAX_ALTERNATIVES 20

/* What a model gives a token, and its most probable tokens: natural logarithms of probabilities over the whole vocabulary, from the logits as they
 * were computed. No temperature, penalty, bias, grammar or cut is in them. -INFINITY is a probability of 0. */
struct llatte_logprobs {
    int32_t wanted;                            /* in: how many alternatives, 0 .. 20; in a round -1 for none of all this  */
    int32_t count;                             /* how many there are: `wanted`, or fewer where fewer are possible at all   */
    float   chosen;                            /* of the token itself, which need not be among the alternatives           */
    int32_t ids[LLATTE_MAX_ALTERNATIVES];      /* the most probable first; of equal ones the lower id                     */
    float   logprobs[LLATTE_MAX_ALTERNATIVES];
};

/* Fills all but `wanted` for a token at a row of the last decode that asked for output (-1: its last output). On failure their values are
 * undefined. LLATTE_DECODE_FAILED where a logit is no number or the best one is not finite. */
LLATTE_API int32_t llatte_context_logprobs(struct llatte_context * context, int32_t row, int32_t token, struct llatte_logprobs * logprobs,
                                           struct llatte_error * error);

/* The embedding of a row, or of a whole sequence where the context pools; `length` gets the number of floats. Borrowed as above. */
LLATTE_API int32_t llatte_context_embeddings(struct llatte_context * context, int32_t row, const float ** out, int32_t * length,
                                             struct llatte_error * error);
LLATTE_API int32_t llatte_context_sequence_embeddings(struct llatte_context * context, int32_t sequence, const float ** out,
                                                      int32_t * length, struct llatte_error * error);

/* How a model makes embeddings. `pooling` is a llama_pooling_type, -1 where the file does not say. Rank scores need a classification head, whose
 * outputs are `rank_outputs`; without one a context that ranks is LLATTE_INVALID_ARGUMENT. */
struct llatte_embedding_info {
    int32_t pooling;
    int32_t length;       /* floats of an embedding                                                  */
    int32_t rank_outputs; /* floats of a rank score, 0 where the model does not rank                 */
    int32_t n_positions;  /* tokens of the longest text, where the model learned its positions       */
    bool    causal;       /* whether a token sees only those before it                               */
    bool    logits;       /* whether it has an output matrix: decodes then compute logits as well    */
};

LLATTE_API int32_t llatte_model_embedding_info(const struct llatte_model * model, struct llatte_embedding_info * out,
                                               struct llatte_error * error);

LLATTE_API int32_t llatte_context_set_threads(struct llatte_context * context, int32_t n_threads, int32_t n_threads_batch,
                                              struct llatte_error * error);
LLATTE_API int32_t llatte_context_set_embeddings(struct llatte_context * context, bool enabled, struct llatte_error * error);
LLATTE_API int32_t llatte_context_set_causal(struct llatte_context * context, bool causal, struct llatte_error * error);
LLATTE_API int32_t llatte_context_synchronize(struct llatte_context * context, struct llatte_error * error);
/* Ends the threads that have computed for the calling thread, until it computes again; they would sleep otherwise, until the calling thread ends. For a
 * thread that will not compute for a while: libgomp counts the sleeping ones too, and where all are more than the processors, no thread spins long
 * before it sleeps, and every decode of the process becomes slower. */
LLATTE_API void    llatte_release_threads(void);
/* Lets the calling thread, and the threads that it starts from then on, those that compute for it among them, run on these processors and no others.
 * LLATTE_INVALID_ARGUMENT where the process may not use one of them; nothing has changed then. LLATTE_INVALID_STATE elsewhere than on Linux. */
LLATTE_API int32_t llatte_bind_thread(const int32_t * processors, int32_t count, struct llatte_error * error);
LLATTE_API int32_t llatte_context_perf(struct llatte_context * context, struct llama_perf_context_data * out, struct llatte_error * error);

/* ---- memory accounting --------------------------------------------------------------------------------------------------- */

struct llatte_memory_entry {
    char    buffer_type[64]; /* for example "CPU", "CPU_REPACK", "CUDA0", "CUDA_Host"          */
    char    device[64];      /* the device it belongs to; "CPU" where it is host memory        */
    int64_t model_bytes;     /* weights                                                        */
    int64_t context_bytes;   /* KV cache and recurrent state                                   */
    int64_t compute_bytes;   /* scratch of the compute graph                                   */
};

/* The bytes of a model's weights by buffer type, mapped ones included; the other kinds are 0. `count` as below. */
LLATTE_API int32_t llatte_model_memory(const struct llatte_model * model, struct llatte_memory_entry * entries, int32_t capacity,
                                       int32_t * count, struct llatte_error * error);

/* llama.cpp's own breakdown of a context and its model by buffer type. `count` gets the number of entries, also with
 * LLATTE_BUFFER_TOO_SMALL. */
LLATTE_API int32_t llatte_context_memory(struct llatte_context * context, struct llatte_memory_entry * entries, int32_t capacity,
                                         int32_t * count, struct llatte_error * error);

/* The same breakdown for a model and a context that do not exist: nothing is allocated on any device. `context_params` may be NULL for the
 * weights alone. A file that will be mapped takes up to one alignment step less a buffer. Not covered: pools that a driver grows at run time, the
 * output buffer (vocabulary x outputs), driver overhead. */
LLATTE_API int32_t llatte_memory_plan(const char * path, const struct llama_model_params * model_params,
                                      const struct llama_context_params * context_params, struct llatte_memory_entry * entries,
                                      int32_t capacity, int32_t * count, struct llatte_error * error);

/* ---- adapters: what changes a model's layers without touching its weights -------------------------------------------------- */

struct llatte_adapter;

/* The bytes of a LoRA adapter by buffer type, as `model_bytes`, before it is loaded and after. LLATTE_LOAD_FAILED where the file is no LoRA, is
 * another architecture's, or its shapes do not fit the model. */
LLATTE_API int32_t llatte_adapter_plan(const struct llatte_model * model, const char * path, struct llatte_memory_entry * entries,
                                       int32_t capacity, int32_t * count, struct llatte_error * error);
LLATTE_API int32_t llatte_adapter_load(struct llatte_model * model, const char * path, struct llatte_adapter ** out,
                                       struct llatte_error * error);
LLATTE_API int32_t llatte_adapter_memory(const struct llatte_adapter * adapter, struct llatte_memory_entry * entries, int32_t capacity,
                                         int32_t * count, struct llatte_error * error);
/* Takes it out of the contexts that use it, on whose threads this is called, and frees it. Before the model. NULL is allowed. */
LLATTE_API void    llatte_adapter_free(struct llatte_adapter * adapter);

/* What the next decodes are changed by: these, and none of those before. At most 64, each once; a scale of 0 is none. What is in the cache stays
 * as it was evaluated. Plans the context's graph anew, which takes milliseconds and may change its compute buffers. */
LLATTE_API int32_t llatte_context_set_adapters(struct llatte_context * context, struct llatte_adapter * const * adapters, const float * scales,
                                               int32_t count, struct llatte_error * error);

/* Reads a control vector's file: a direction of n_embd numbers for each layer but the first, (n_layer - 1) x n_embd in all, 0 where the file has
 * none. `length` gets their number, also with LLATTE_BUFFER_TOO_SMALL. */
LLATTE_API int32_t llatte_control_vector_read(const struct llatte_model * model, const char * path, float * data, int64_t capacity,
                                              int64_t * length, struct llatte_error * error);
/* The bytes that a context's first control vector takes by buffer type, as `model_bytes`; further ones take their place. */
LLATTE_API int32_t llatte_control_vector_plan(const struct llatte_model * model, struct llatte_memory_entry * entries, int32_t capacity,
                                              int32_t * count, struct llatte_error * error);
/* Adds the directions to what each layer hands on, in the next decodes; NULL for none any longer. Plans the graph anew. */
LLATTE_API int32_t llatte_context_set_control_vector(struct llatte_context * context, const float * data, int64_t length,
                                                     struct llatte_error * error);

/* ---- projectors: what makes a model see and hear ---------------------------------------------------------------------------- */

/* A projector (mmproj, by libmtmd) turns a picture or a sound into embeddings of its model, which are evaluated in place of tokens. It belongs to
 * one model, is used by one thread at a time, and is freed before the model. It computes with threads and buffers of its own, so that a context of
 * the model may decode meanwhile. */
struct llatte_projector;

struct llatte_projector_params {
    bool    use_gpu;
    int32_t n_threads;        /* 1 .. 512                                                                                      */
    int32_t image_min_tokens; /* of a picture, where the projector takes pictures of any size; -1: as its file says             */
    int32_t image_max_tokens;
};

struct llatte_projector_info {
    bool    vision;
    bool    audio;
    bool    non_causal;  /* tokens of a picture attend to one another: it must be evaluated in one micro-batch, without causal attention */
    int32_t sample_rate; /* Hz; -1 without audio                                                                                         */
    int32_t n_embd;      /* floats of an embedding: the model's n_embd_inp                                                               */
};

/* `marker` is what stands in a text for a picture or a sound. LLATTE_LOAD_FAILED where the file is no projector, is truncated, does not fit the model,
 * or the model counts positions in several dimensions (M-RoPE), which this library does not evaluate pictures for. */
LLATTE_API int32_t llatte_projector_load(struct llatte_model * model, const char * path, const struct llatte_projector_params * params,
                                         const char * marker, struct llatte_projector ** out, struct llatte_error * error);
LLATTE_API void    llatte_projector_free(struct llatte_projector * projector); /* NULL is allowed */
LLATTE_API int32_t llatte_projector_get_info(const struct llatte_projector * projector, struct llatte_projector_info * out,
                                             struct llatte_error * error);
/* The bytes that a projector takes by device, weights as `model_bytes` and buffers with them; nothing is allocated on a device. */
LLATTE_API int32_t llatte_projector_plan(const char * path, const struct llatte_projector_params * params, struct llatte_memory_entry * entries,
                                         int32_t capacity, int32_t * count, struct llatte_error * error);

/* A picture's pixels, or a sound's samples. Any thread. */
struct llatte_media;

/* Width and height of a PNG, JPEG, BMP or GIF, from its header alone. LLATTE_MEDIA_FAILED where it is none of them. */
LLATTE_API int32_t llatte_image_size(const uint8_t * data, int64_t length, int32_t * width, int32_t * height, struct llatte_error * error);
/* Decodes one, of a GIF the first frame. LLATTE_MEDIA_FAILED where it is broken or has more than `max_pixels` (nothing is decoded then). */
LLATTE_API int32_t llatte_media_from_image(const uint8_t * data, int64_t length, int64_t max_pixels, struct llatte_media ** out,
                                           struct llatte_error * error);
/* From width x height x 3 bytes, red, green and blue, row by row. */
LLATTE_API int32_t llatte_media_from_pixels(const uint8_t * rgb, int32_t width, int32_t height, struct llatte_media ** out,
                                            struct llatte_error * error);
/* Decodes a WAV, MP3 or FLAC into samples of the projector's rate, one channel. LLATTE_MEDIA_FAILED where it is broken, longer than `max_seconds`
 * (1 .. 36000; found out before decoding, but for MP3), or the projector does not hear. */
LLATTE_API int32_t llatte_media_from_audio(const struct llatte_projector * projector, const uint8_t * data, int64_t length, int32_t max_seconds,
                                           struct llatte_media ** out, struct llatte_error * error);
/* From samples (-1 .. 1) of the projector's rate. */
LLATTE_API int32_t llatte_media_from_samples(const float * samples, int64_t count, struct llatte_media ** out, struct llatte_error * error);
LLATTE_API void    llatte_media_free(struct llatte_media * media); /* NULL is allowed */

/* A text with pictures and sounds, as tokens and media in turns. */
struct llatte_media_prompt;

enum llatte_chunk_kind {
    LLATTE_CHUNK_TEXT  = 0,
    LLATTE_CHUNK_IMAGE = 1,
    LLATTE_CHUNK_AUDIO = 2,
};

struct llatte_chunk {
    int32_t         kind;
    int32_t         n_tokens;   /* as many positions                                           */
    int32_t         media;      /* which one of the media it is of, from 0; -1 for text        */
    bool            non_causal; /* see llatte_projector_info                                   */
    const int32_t * tokens;     /* of text; borrowed until the prompt is freed                 */
};

/* Cuts a text at its markers, of which there must be as many as media, and tokenizes it as the model's own tool does. A picture may become several
 * chunks with text of the projector's between. The media are not needed afterwards. LLATTE_MEDIA_FAILED where a picture cannot be prepared. */
LLATTE_API int32_t llatte_media_prompt_create(const struct llatte_projector * projector, const char * text, int64_t text_length, bool add_special,
                                              struct llatte_media * const * media, int32_t n_media, struct llatte_media_prompt ** out,
                                              struct llatte_error * error);
LLATTE_API void    llatte_media_prompt_free(struct llatte_media_prompt * prompt); /* NULL is allowed */
LLATTE_API int32_t llatte_media_prompt_size(const struct llatte_media_prompt * prompt, int32_t * chunks, struct llatte_error * error);
LLATTE_API int32_t llatte_media_prompt_chunk(const struct llatte_media_prompt * prompt, int32_t index, struct llatte_chunk * out,
                                             struct llatte_error * error);
/* Computes the embeddings of a chunk that is no text, [n_tokens][n_embd]. `capacity` counts floats. */
LLATTE_API int32_t llatte_projector_encode(struct llatte_projector * projector, const struct llatte_media_prompt * prompt, int32_t index,
                                           float * embeddings, int64_t capacity, struct llatte_error * error);

/* ---- sequences: lanes of the KV cache ------------------------------------------------------------------------------------- */

/* Positions are [from, to); from < 0 means 0 and to < 0 means the end. A sequence is 0 <= sequence < n_seq_max. A partial removal that the
 * cache cannot do (recurrent models, a sliding window) is LLATTE_INVALID_STATE and changes nothing. */
LLATTE_API int32_t llatte_sequence_remove(struct llatte_context * context, int32_t sequence, int32_t from, int32_t to,
                                          struct llatte_error * error);
LLATTE_API int32_t llatte_sequence_copy(struct llatte_context * context, int32_t source, int32_t destination, int32_t from, int32_t to,
                                        struct llatte_error * error);
LLATTE_API int32_t llatte_sequence_keep(struct llatte_context * context, int32_t sequence, struct llatte_error * error);
LLATTE_API int32_t llatte_sequence_shift(struct llatte_context * context, int32_t sequence, int32_t from, int32_t to, int32_t delta,
                                         struct llatte_error * error);
LLATTE_API int32_t llatte_sequence_divide(struct llatte_context * context, int32_t sequence, int32_t from, int32_t to, int32_t divisor,
                                          struct llatte_error * error);
/* The smallest and largest cached position, or -1 and -1 where the sequence is empty. */
LLATTE_API int32_t llatte_sequence_range(struct llatte_context * context, int32_t sequence, int32_t * first, int32_t * last,
                                         struct llatte_error * error);
/* Empties the whole cache. */
LLATTE_API int32_t llatte_context_clear(struct llatte_context * context, struct llatte_error * error);

/* ---- saved states ---------------------------------------------------------------------------------------------------------- */

/* A saved sequence is a header of ours (magic, version, length, checksum, the model's and cache's fingerprint) and llama.cpp's own state.
 * The checksum is what makes a restore of altered bytes a refusal. Forged ones are refused where their counts or positions are impossible. */
LLATTE_API int32_t llatte_state_size(struct llatte_context * context, int32_t sequence, int64_t * size, struct llatte_error * error);
LLATTE_API int32_t llatte_state_save(struct llatte_context * context, int32_t sequence, uint8_t * destination, int64_t capacity,
                                     int64_t * written, struct llatte_error * error);
/* Replaces the sequence's contents. On LLATTE_STATE_CORRUPT found by the header the sequence is as it was. */
LLATTE_API int32_t llatte_state_restore(struct llatte_context * context, int32_t sequence, const uint8_t * source, int64_t size,
                                        struct llatte_error * error);

/* ---- samplers: a chain that ends in one that selects ------------------------------------------------------------------------ */

struct llatte_sampler;

/* An empty chain for models with this vocabulary. It borrows the model, which must outlive it. */
LLATTE_API int32_t llatte_sampler_create(const struct llatte_model * model, struct llatte_sampler ** out, struct llatte_error * error);
LLATTE_API void    llatte_sampler_free(struct llatte_sampler * sampler); /* NULL is allowed */

/* These append a stage. A stage after a selecting one (greedy, dist, mirostat, mirostat_v2) is LLATTE_INVALID_STATE. Ranges are llama.cpp's;
 * NaN and infinities are LLATTE_INVALID_ARGUMENT. */
LLATTE_API int32_t llatte_sampler_add_greedy(struct llatte_sampler * sampler, struct llatte_error * error);
LLATTE_API int32_t llatte_sampler_add_dist(struct llatte_sampler * sampler, uint32_t seed, struct llatte_error * error);
LLATTE_API int32_t llatte_sampler_add_top_k(struct llatte_sampler * sampler, int32_t k, struct llatte_error * error);
LLATTE_API int32_t llatte_sampler_add_top_p(struct llatte_sampler * sampler, float p, int32_t min_keep, struct llatte_error * error);
LLATTE_API int32_t llatte_sampler_add_min_p(struct llatte_sampler * sampler, float p, int32_t min_keep, struct llatte_error * error);
LLATTE_API int32_t llatte_sampler_add_typical(struct llatte_sampler * sampler, float p, int32_t min_keep, struct llatte_error * error);
LLATTE_API int32_t llatte_sampler_add_temperature(struct llatte_sampler * sampler, float temperature, float delta, float exponent,
                                                  struct llatte_error * error);
LLATTE_API int32_t llatte_sampler_add_penalties(struct llatte_sampler * sampler, int32_t last_n, float repeat, float frequency,
                                                float presence, struct llatte_error * error);
LLATTE_API int32_t llatte_sampler_add_dry(struct llatte_sampler * sampler, float multiplier, float base, int32_t allowed_length,
                                          int32_t last_n, const char * const * breakers, int32_t n_breakers, struct llatte_error * error);
LLATTE_API int32_t llatte_sampler_add_xtc(struct llatte_sampler * sampler, float probability, float threshold, int32_t min_keep,
                                          uint32_t seed, struct llatte_error * error);
LLATTE_API int32_t llatte_sampler_add_mirostat(struct llatte_sampler * sampler, uint32_t seed, float tau, float eta, int32_t m,
                                               struct llatte_error * error);
LLATTE_API int32_t llatte_sampler_add_mirostat_v2(struct llatte_sampler * sampler, uint32_t seed, float tau, float eta,
                                                  struct llatte_error * error);
LLATTE_API int32_t llatte_sampler_add_logit_bias(struct llatte_sampler * sampler, const struct llama_logit_bias * biases, int32_t count,
                                                 struct llatte_error * error);
/* GBNF. Nesting deeper than 256 and texts over 1 MiB are refused (the parser recurses).
 *
 * A grammar stands beside the chain, not in it: a token is chosen first, and where it is not allowed another one is chosen, by the same chain, from
 * those that are. One grammar or format a chain; a second one is LLATTE_INVALID_STATE. */
LLATTE_API int32_t llatte_sampler_add_grammar(struct llatte_sampler * sampler, const char * grammar, const char * root,
                                              struct llatte_error * error);
/* What a rendered conversation asks of its answer: `format` is what llatte_template_render answered. Its grammar holds from the start, what the
 * template wrote of the answer being taken as said, or from its triggers on, while the model does not reason. Of reasoning, where the format
 * knows it, there come `reasoning_tokens` tokens at most (-1 for any number); then `reasoning_message` (NULL for none) and the tag that ends it. */
LLATTE_API int32_t llatte_sampler_add_format(struct llatte_sampler * sampler, const char * format, int32_t reasoning_tokens,
                                             const char * reasoning_message, struct llatte_error * error);

/* Chooses a token from the logits at `row` of the context's last decode (-1: the last output) and accepts it into the chain. */
LLATTE_API int32_t llatte_sampler_sample(struct llatte_sampler * sampler, struct llatte_context * context, int32_t row, int32_t * token,
                                         struct llatte_error * error);
/* The same for `count` rows of the last decode, each with a chain of its own, in parallel: tokens[i] is chosen from rows[i] by samplers[i], which
 * may be in a round once. What fails is one row's: statuses[i] says so, and errors[i] (`errors` may be NULL) where it is not LLATTE_OK; tokens[i]
 * is untouched then. The status that is returned is not LLATTE_OK only where nothing was done at all. `logprobs` may be NULL; else logprobs[i] is
 * filled for the token that was chosen, as by llatte_context_logprobs, unless its `wanted` is -1. `n_threads`: 0 for one, or, where there is
 * enough to do, as many as decoded; they are awake for the thread that decoded. */
LLATTE_API int32_t llatte_sampler_sample_rows(struct llatte_context * context, int32_t count, struct llatte_sampler * const * samplers,
                                              const int32_t * rows, int32_t * tokens, int32_t * statuses, struct llatte_error * errors,
                                              struct llatte_logprobs * logprobs, int32_t n_threads, struct llatte_error * error);
/* Lets the graph of each decode choose a sequence's tokens by the sampler's chain, on the model's device. NULL takes out what is there (`accepted`
 * may be NULL then), and so does freeing the sampler, on the context's thread. `accepted` is whether the graph runs the whole chain; where it cannot,
 * nothing changes: grammars, DRY, XTC, typical, mirostat, a temperature that is dynamic or 0, a least number to keep, greedy or biases after top-k
 * or top-p, some devices, a model without a KV cache. A sampler is attached to one sequence; attaching replaces another one that is there.
 *
 * While it is attached one row of the sequence, of no other, may ask for output in a batch; llatte_sampler_sample and _rows hand out what the graph
 * chose and tell the chain of it; the row's logits cannot be read. Random numbers and penalties are the same in the graph and outside, but
 * floats are added up in another order: the same seed need not give the same tokens. Attaching and detaching make the next decode plan its graph
 * anew, with more memory. */
LLATTE_API int32_t llatte_context_set_sampler(struct llatte_context * context, int32_t sequence, struct llatte_sampler * sampler, bool * accepted,
                                              struct llatte_error * error);
/* Tells the chain of a token it did not choose itself. */
LLATTE_API int32_t llatte_sampler_accept(struct llatte_sampler * sampler, int32_t token, struct llatte_error * error);
/* The same for a whole prompt, by all stages but grammars, which constrain only what is generated. */
LLATTE_API int32_t llatte_sampler_accept_prompt(struct llatte_sampler * sampler, const int32_t * tokens, int32_t count,
                                                struct llatte_error * error);
LLATTE_API int32_t llatte_sampler_reset(struct llatte_sampler * sampler, struct llatte_error * error);
LLATTE_API int32_t llatte_sampler_clone(const struct llatte_sampler * sampler, struct llatte_sampler ** out, struct llatte_error * error);
/* The stages' names in order, separated by spaces. */
LLATTE_API int32_t llatte_sampler_describe(const struct llatte_sampler * sampler, struct llatte_text * out, struct llatte_error * error);

/* A GBNF grammar for a JSON schema, by llama.cpp's own converter. */
LLATTE_API int32_t llatte_grammar_from_schema(const char * schema_json, struct llatte_text * out, struct llatte_error * error);

/* A GBNF grammar for text that matches a regular expression as a whole, by llama.cpp's own converter. `^` and `$` around it may be left out. What that
   does not know (classes like \d, assertions, back-references, anchors inside) is LLATTE_GRAMMAR_FAILED. At most 64 KiB. */
LLATTE_API int32_t llatte_grammar_from_pattern(const char * pattern, struct llatte_text * out, struct llatte_error * error);

/* ---- speculation: tokens guessed cheaply, which the model then checks in one decode ------------------------------------------ */

enum llatte_draft_kind {
    LLATTE_DRAFT_MODEL        = 0, /* a smaller model of the same vocabulary                                                 */
    LLATTE_DRAFT_MTP          = 1, /* the model's own layers for multi-token prediction                                      */
    LLATTE_DRAFT_NGRAM_SIMPLE = 2, /* what followed the last `match` tokens when they stood in the history before            */
    LLATTE_DRAFT_NGRAM_MAP    = 3, /* the same, of several continuations the one that clearly prevails                       */
    LLATTE_DRAFT_NGRAM_MOD    = 4, /* one token after the other from a hash table that outlives the prompt (16 MiB)          */
};

struct llatte_speculator;

/* Drafts for one sequence of `target`. `max_tokens` (1 .. 1024) bounds a draft. `match` (1 .. 1024) is for the n-gram kinds: how many tokens
 * must repeat; NGRAM_SIMPLE never drafts where `max_tokens` is below it. `min_probability` (0 .. 1) is for MODEL and MTP: a draft ends before a
 * token that is less probable. `draft` is NULL for n-grams; for MODEL a context of the other model, for MTP one of the target's model whose
 * ctx_type is LLAMA_CONTEXT_TYPE_MTP (load_mtp must have been set). Nobody else uses it; its n_seq_max is 1, and for MTP its n_batch not below
 * the target's.
 *
 * LLATTE_CANNOT_SPECULATE: vocabularies that differ, a cache that cannot be cut by `max_tokens` (recurrent layers without n_rs_seq), or no MTP
 * layers.
 *
 * It belongs to its contexts' thread, and both must outlive it: when one is freed first, calls return LLATTE_INVALID_STATE. With MTP the target
 * computes what the layers need until the speculator is freed. */
LLATTE_API int32_t llatte_speculator_create(struct llatte_context * target, struct llatte_context * draft, int32_t kind, int32_t max_tokens,
                                            int32_t match, float min_probability, struct llatte_speculator ** out,
                                            struct llatte_error * error);
LLATTE_API void    llatte_speculator_free(struct llatte_speculator * speculator); /* NULL is allowed */

/* A generation begins with this prompt. What the draft context holds of it is kept, as far as it goes from the start. */
LLATTE_API int32_t llatte_speculator_begin(struct llatte_speculator * speculator, const int32_t * prompt, int32_t count,
                                           struct llatte_error * error);

/* After each decode of the target, its rows 0 .. count - 1 having been `tokens` at `first_position` and after, of this sequence alone. Only MTP
 * needs it; for the other kinds it does nothing. */
LLATTE_API int32_t llatte_speculator_process(struct llatte_speculator * speculator, const int32_t * tokens, int32_t count,
                                             int32_t first_position, struct llatte_error * error);

/* Guesses what follows `last`, the token that was sampled and not yet evaluated; `history` is all before it, and at least as long as it was at
 * the call before or at the beginning. Writes at most `max` tokens (and at most max_tokens) of the target's vocabulary; `drafted` gets how many,
 * often 0. A draft model first evaluates what it lacks of the history. */
LLATTE_API int32_t llatte_speculator_draft(struct llatte_speculator * speculator, const int32_t * history, int32_t count, int32_t last,
                                           int32_t * draft, int32_t max, int32_t * drafted, struct llatte_error * error);

/* How many tokens of the last draft, from its start, were right. Once for each draft that was not empty. */
LLATTE_API int32_t llatte_speculator_accept(struct llatte_speculator * speculator, int32_t accepted, struct llatte_error * error);

/* ---- chat templates (jinja, by llama-common) --------------------------------------------------------------------------------- */

struct llatte_template;

/* From `source`, or from the model's metadata where `source` is NULL. `model` gives BOS and EOS and may be NULL where `source` is given; then
 * `bos` and `eos` (NULL: empty) stand in. The model is not needed after this call. */
LLATTE_API int32_t llatte_template_create(const struct llatte_model * model, const char * source, const char * bos, const char * eos,
                                          struct llatte_template ** out, struct llatte_error * error);
LLATTE_API void    llatte_template_free(struct llatte_template * tmpl); /* NULL is allowed */

/* The template's jinja source. */
LLATTE_API int32_t llatte_template_source(const struct llatte_template * tmpl, struct llatte_text * out, struct llatte_error * error);

/* Renders a conversation. `request` is JSON: {"messages": [OpenAI's form], "tools": [OpenAI's form], "tool_choice": "auto|required|none",
 * "parallel_tool_calls": bool, "add_generation_prompt": bool (true), "continue_final_message": true|"reasoning_content"|"content",
 * "enable_thinking": bool (true), "json_schema": object,
 * "grammar": string, "reasoning_format": "none|auto|deepseek", "chat_template_kwargs": {}, "now": seconds since the epoch}; all but
 * `messages` may be absent. The answer is JSON: {"prompt", "grammar", "grammar_lazy", "grammar_triggers": [{"type","value","token"}],
 * "preserved_tokens": [], "additional_stops": [], "format", "generation_prompt", "parser", "supports_thinking", "thinking_start_tag",
 * "thinking_end_tags": [], "reasoning_format"}; handed back as it is, it is the `syntax` that llatte_parser_create needs. */
LLATTE_API int32_t llatte_template_render(const struct llatte_template * tmpl, const char * request, struct llatte_text * out,
                                          struct llatte_error * error);

struct llatte_parser;

/* Reads what models write in answer to a rendered conversation. Any thread; several at once may use one. */
LLATTE_API int32_t llatte_parser_create(const char * syntax, struct llatte_parser ** out, struct llatte_error * error);
LLATTE_API void    llatte_parser_free(struct llatte_parser * parser); /* NULL is allowed */

/* Parses what a model wrote into an OpenAI message (content, reasoning_content, tool_calls) as JSON. `partial`: more text will follow. */
LLATTE_API int32_t llatte_parser_parse(const struct llatte_parser * parser, const char * text, int64_t text_length, bool partial,
                                       struct llatte_text * out, struct llatte_error * error);

/* ---- GGUF -------------------------------------------------------------------------------------------------------------------- */

/* Opens a file's header without its tensors' data. The getters of gguf.h read it; they abort on a wrong index or type, which the caller checks
 * with gguf_get_kv_type and the counts. */
LLATTE_API int32_t llatte_gguf_open(const char * path, struct gguf_context ** out, struct llatte_error * error);
LLATTE_API void    llatte_gguf_free(struct gguf_context * gguf); /* NULL is allowed */

#ifdef __cplusplus
}
#endif

#endif /* LLATTE_H */
