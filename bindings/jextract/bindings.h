/* Every header that the bindings are generated from; jextract takes one. See docs/upgrading-llama-cpp.md. */
#include "ggml.h"
#include "ggml-backend.h"
#include "gguf.h"
#include "llama.h"
#include "mtmd.h"
#include "mtmd-helper.h"
#include "llatte.h"
