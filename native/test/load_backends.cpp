// llama.cpp's generator of tiny models expects its backends linked in; with loadable modules something must load them before main.
#include "ggml-backend.h"

namespace {
[[maybe_unused]] const bool loaded = (ggml_backend_load_all(), true);
}
