// Pictures and sounds as libmtmd takes them.
#pragma once

#include "mtmd.h"

#include <memory>

struct llatte_media {
    mtmd::bitmap_ptr bitmap;
};
