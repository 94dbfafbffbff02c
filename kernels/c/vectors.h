/* Vectors of float32 of the width that a set of instructions has, and the numbers that products read. */

#ifndef HOLOTYPE_VECTORS_H
#define HOLOTYPE_VECTORS_H

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

#define INLINE static inline __attribute__((always_inline))
#ifdef __clang__
#define UNROLL _Pragma("clang loop unroll(full)")
#else
#define UNROLL _Pragma("GCC unroll 16")
#endif

typedef float vec __attribute__((vector_size(4 * LANES), aligned(4), may_alias));
typedef int32_t ivec __attribute__((vector_size(4 * LANES), aligned(4), may_alias));

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
INLINE float total(vec values) {
    float sum = 0;
    UNROLL
    for (int i = 0; i < LANES; i++) sum += values[i];
    return sum;
}

INLINE void store_number(number *to, vec values) {
#ifdef __AVX512BF16__
    _mm256_storeu_si256((__m256i *)to, (__m256i)_mm512_cvtneps_pbh((__m512)values));
#else
    store(to, values);
#endif
}

#endif
