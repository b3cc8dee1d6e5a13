// llama.cpp's log, caught line by line.
#pragma once

#include "ggml.h"

#include <string>

namespace llatte {

// Installs the log callback in llama.cpp, libmtmd and llama-common.
void capture_log();

void forget_logged_errors();

} // namespace llatte
