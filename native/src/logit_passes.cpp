#include "logit_passes.h"

#include <cmath>
#include <cstring>

// One binary for every CPU: the loader picks a version of each function. `omp simd` allows what makes a reduction vectorisable, the order of its
// steps, for that loop alone.
#if defined(LLATTE_TARGET_CLONES)
#    define EACH_CPU __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")))
#else
#    define EACH_CPU
#endif

namespace llatte {

namespace {

// exp(x) for x <= 0: 2^n times a polynomial of what is left, after Cephes. Below -87 it stays at 1e-38.
inline __attribute__((always_inline)) float exp_of(float x) {
    x = x < -87.0f ? -87.0f : x;
    const float to_nearest = 12582912.0f; // 1.5 * 2^23: adding it leaves an integer in the low bits
    const float shifted    = x * 1.44269504f + to_nearest;
    const float n          = shifted - to_nearest;
    const float rest       = (x - n * 0.693359375f) + n * 2.12194440e-4f;
    float       series     = 1.9875691500e-4f;
    series                 = series * rest + 1.3981999507e-3f;
    series                 = series * rest + 8.3334519073e-3f;
    series                 = series * rest + 4.1665795894e-2f;
    series                 = series * rest + 1.6666665459e-1f;
    series                 = series * rest + 5.0000001201e-1f;
    series                 = series * rest * rest + rest + 1.0f;
    uint32_t    bits;
    memcpy(&bits, &shifted, sizeof(bits));
    bits = (bits << 23) + 0x3f800000u;
    float power;
    memcpy(&power, &bits, sizeof(power));
    return series * power;
}

} // namespace

EACH_CPU bool block_maxima(const float * logits, int32_t n_blocks, float * maxima) {
    int32_t no_numbers = 0;
    for (int32_t b = 0; b < n_blocks; b++) {
        const float * block = logits + static_cast<int64_t>(b) * logit_block;
        float         best  = -INFINITY;
#pragma omp simd reduction(max : best) reduction(| : no_numbers)
        for (int32_t i = 0; i < logit_block; i++) {
            best = block[i] > best ? block[i] : best;
            no_numbers |= block[i] != block[i];
        }
        maxima[b] = best;
    }
    return no_numbers == 0;
}

EACH_CPU void block_masses(const float * logits, int32_t n_blocks, float scale, float best, float * masses) {
    for (int32_t b = 0; b < n_blocks; b++) {
        const float * block = logits + static_cast<int64_t>(b) * logit_block;
        float         mass  = 0;
#pragma omp simd reduction(+ : mass)
        for (int32_t i = 0; i < logit_block; i++) {
            mass += exp_of(block[i] * scale - best);
        }
        masses[b] = mass;
    }
}

EACH_CPU void mark_block(const float * block, float least, float below, uint8_t * marks) {
#pragma omp simd
    for (int32_t i = 0; i < logit_block; i++) {
        marks[i] = (block[i] >= least) & (block[i] < below);
    }
}

} // namespace llatte
