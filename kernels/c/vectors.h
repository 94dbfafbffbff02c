/* Vectors of float32 of the width that a set of instructions has, and the numbers that products read. */

#ifndef HOLOTYPE_VECTORS_H
#define HOLOTYPE_VECTORS_H

#include "compilers.h"

#include <immintrin.h>
#include <stdint.h>

/* A tile of MOST_ROWS by TILE sums fills the registers. */
#ifdef __AVX512F__
#define LANES 16
#define MOST_ROWS 12
#else
#define LANES 8
#define MOST_ROWS 6
#endif
#define TILE (2 * LANES)

typedef float vec __attribute__((vector_size(4 * LANES), aligned(4), may_alias));
typedef int32_t ivec __attribute__((vector_size(4 * LANES), aligned(4), may_alias));
typedef uint32_t uvec __attribute__((vector_size(4 * LANES), aligned(4), may_alias));

#ifdef __AVX512BF16__
typedef uint16_t number;
#else
typedef float number;
#endif
/* How many numbers a lane multiplies at once. */
#define PER_LANE (4 / (int64_t)sizeof(number))

INLINE vec load(const float *from) { return *(const vec *)from; }
INLINE void store(float *to, vec values) { *(vec *)to = values; }
INLINE vec all(float value) { return value - (vec){0}; }
INLINE vec pick(ivec where, vec yes, vec no) {
    return (vec)((where & (ivec)yes) | (~where & (ivec)no));
}
INLINE vec larger(vec a, vec b) {
#ifdef __AVX512F__
    return (vec)_mm512_max_ps((__m512)a, (__m512)b);
#else
    return (vec)_mm256_max_ps((__m256)a, (__m256)b);
#endif
}

/* Half of the lanes with the other half, and again, so that few steps wait for each other. */
INLINE float total(vec values) {
#ifdef __AVX512F__
    const __m256 eight = _mm512_castps512_ps256((__m512)values) +
                         _mm512_extractf32x8_ps((__m512)values, 1);
#else
    const __m256 eight = (__m256)values;
#endif
    __m128 four = _mm256_castps256_ps128(eight) + _mm256_extractf128_ps(eight, 1);
    four += _mm_movehl_ps(four, four);
    return four[0] + four[1];
}
INLINE float largest(vec values) {
#ifdef __AVX512F__
    const __m256 eight = _mm256_max_ps(_mm512_castps512_ps256((__m512)values),
                                       _mm512_extractf32x8_ps((__m512)values, 1));
#else
    const __m256 eight = (__m256)values;
#endif
    __m128 four = _mm_max_ps(_mm256_castps256_ps128(eight), _mm256_extractf128_ps(eight, 1));
    four = _mm_max_ps(four, _mm_movehl_ps(four, four));
    return four[0] > four[1] ? four[0] : four[1];
}

INLINE void store_number(number *to, vec values) {
#ifdef __AVX512BF16__
    _mm256_storeu_si256((__m256i *)to, (__m256i)_mm512_cvtneps_pbh((__m512)values));
#else
    store(to, values);
#endif
}

#endif
