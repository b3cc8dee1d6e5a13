// Files of pictures, decoded by the code that libmtmd decodes them with, so that a model sees the same pixels.
#include "media.h"

#include "guard.h"

#include <climits>
#include <cmath>
#include <cstring>

#if defined(__GNUC__)
#    pragma GCC diagnostic push
#    pragma GCC diagnostic ignored "-Wunused-function"
#    pragma GCC diagnostic ignored "-Wmissing-field-initializers"
#endif
#define STB_IMAGE_IMPLEMENTATION
#define STB_IMAGE_STATIC
#define STBI_NO_STDIO
#define STBI_ONLY_BMP
#define STBI_ONLY_GIF
#define STBI_ONLY_JPEG
#define STBI_ONLY_PNG
#include "stb/stb_image.h"
#if defined(__GNUC__)
#    pragma GCC diagnostic pop
#endif

namespace llatte {

namespace {

struct size {
    int32_t width;
    int32_t height;
};

void require_data(const void * data, int64_t length) {
    require_not_null(data, "data");
    require_range("length", length, 1, INT_MAX);
}

size size_of(const uint8_t * data, int64_t length) {
    int width  = 0;
    int height = 0;
    int colours = 0;
    if (stbi_info_from_memory(data, static_cast<int>(length), &width, &height, &colours) == 0) {
        fail(LLATTE_MEDIA_FAILED, format("%lld bytes are no PNG, JPEG, BMP or GIF: %s", static_cast<long long>(length), stbi_failure_reason()), length);
    }
    if (width < 1 || height < 1) {
        fail(LLATTE_MEDIA_FAILED, format("a picture of %d x %d pixels", width, height), 0, 1);
    }
    return { width, height };
}

void hand_out(mtmd_bitmap * bitmap, llatte_media ** out) {
    mtmd::bitmap_ptr owned(bitmap);
    *out = new llatte_media{ std::move(owned) };
}

} // namespace

} // namespace llatte

using llatte::guarded;

int32_t llatte_image_size(const uint8_t * data, int64_t length, int32_t * width, int32_t * height, llatte_error * error) {
    return guarded(error, [&] {
        llatte::require_data(data, length);
        llatte::require_not_null(width, "width");
        llatte::require_not_null(height, "height");
        const auto size = llatte::size_of(data, length);
        *width          = size.width;
        *height         = size.height;
    });
}

int32_t llatte_media_from_image(const uint8_t * data, int64_t length, int64_t max_pixels, llatte_media ** out, llatte_error * error) {
    return guarded(error, [&] {
        llatte::require_data(data, length);
        llatte::require_range("max_pixels", max_pixels, 1, INT_MAX / 4);
        llatte::require_not_null(out, "out");
        const auto    size   = llatte::size_of(data, length);
        const int64_t pixels = static_cast<int64_t>(size.width) * size.height;
        if (pixels > max_pixels) {
            llatte::fail(LLATTE_MEDIA_FAILED, llatte::format("a picture of %d x %d pixels, and %lld are the most", size.width, size.height,
                                                             static_cast<long long>(max_pixels)),
                         pixels, max_pixels);
        }
        int                                        width  = 0;
        int                                        height = 0;
        int                                        colours = 0;
        std::unique_ptr<stbi_uc, decltype(&stbi_image_free)> rgb(
            stbi_load_from_memory(data, static_cast<int>(length), &width, &height, &colours, 3), stbi_image_free);
        if (!rgb) {
            llatte::fail(LLATTE_MEDIA_FAILED, llatte::format("a picture of %d x %d pixels cannot be decoded from %lld bytes: %s", size.width,
                                                             size.height, static_cast<long long>(length), stbi_failure_reason()),
                         length);
        }
        llatte::hand_out(mtmd_bitmap_init(width, height, rgb.get()), out);
    });
}

int32_t llatte_media_from_pixels(const uint8_t * rgb, int32_t width, int32_t height, llatte_media ** out, llatte_error * error) {
    return guarded(error, [&] {
        llatte::require_not_null(rgb, "rgb");
        llatte::require_range("width", width, 1, 1 << 16);
        llatte::require_range("height", height, 1, 1 << 16);
        llatte::require_range("width x height", static_cast<int64_t>(width) * height, 1, INT_MAX / 4);
        llatte::require_not_null(out, "out");
        llatte::hand_out(mtmd_bitmap_init(width, height, rgb), out);
    });
}

int32_t llatte_media_from_samples(const float * samples, int64_t count, llatte_media ** out, llatte_error * error) {
    return guarded(error, [&] {
        llatte::require_not_null(samples, "samples");
        llatte::require_range("count", count, 2, INT_MAX / 4);
        llatte::require_not_null(out, "out");
        for (int64_t i = 0; i < count; i++) {
            llatte::require_finite("a sample", samples[i]);
        }
        llatte::hand_out(mtmd_bitmap_init_from_audio(count, samples), out);
    });
}

void llatte_media_free(llatte_media * media) {
    delete media;
}
