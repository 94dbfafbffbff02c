/* Resampling of pixels of 8 bits along one axis, as Pillow rounds it: sums of products with weights in
   fixed point, rounded to 8 bits.

   A weight has 23 bits, and the products that are fast have 16: so its two parts are multiplied apart, two
   inputs at a time, and joined at the end. Integers are exact in any order. AVX2 is enough: twice as wide
   vectors saved a tenth of the time at most, and nothing where the picture comes from memory. */

#include "resampling.h"

#include "compilers.h"

#include <immintrin.h>
#include <string.h>

#define HALF (1 << (FRACTION_BITS - 1))
#define WIDTH 32
/* Rows that share the weights they read: two to a vector, in a lane of 128 bits each. */
#define N_VECTORS 4
#define N_ROWS (2 * N_VECTORS)

typedef struct {
    __m256i high, low;
} sums_t;

INLINE sums_t no_sums(void) {
    return (sums_t){_mm256_setzero_si256(), _mm256_set1_epi32(HALF)};
}

INLINE __m256i pair_of(const int16_t *weights) {
    int32_t both;
    memcpy(&both, weights, sizeof both);
    return _mm256_set1_epi32(both);
}

/* Adds the products of pairs of levels, in 16 bits, and weights. */
INLINE void add(sums_t *sums, __m256i levels, __m256i high, __m256i low) {
    sums->high = _mm256_add_epi32(sums->high, _mm256_madd_epi16(levels, high));
    sums->low = _mm256_add_epi32(sums->low, _mm256_madd_epi16(levels, low));
}

INLINE __m256i rounded(sums_t sums) {
    const __m256i whole = _mm256_add_epi32(_mm256_slli_epi32(sums.high, LOW_BITS), sums.low);
    return _mm256_srai_epi32(whole, FRACTION_BITS);
}

/* The levels of sums: in each lane, four of each. */
INLINE __m256i levels_of(const sums_t sums[4]) {
    return _mm256_packus_epi16(_mm256_packus_epi32(rounded(sums[0]), rounded(sums[1])),
                               _mm256_packus_epi32(rounded(sums[2]), rounded(sums[3])));
}

/* One channel of one output, for what is smaller than a vector. */
static uint8_t level_of(const taps_t *taps, int64_t output, const uint8_t *source, int64_t step) {
    const int16_t *weights = taps->weights + output * taps->n_most * 2;
    int32_t sum = HALF;
    source += taps->firsts[output] * step;
    for (int64_t i = 0; i < taps->counts[output]; i++) {
        const int16_t *parts = weights + i / 2 * 4 + i % 2;
        sum += source[i * step] * (parts[0] * (1 << LOW_BITS) + parts[2]);
    }
    sum >>= FRACTION_BITS;
    return (uint8_t)(sum < 0 ? 0 : sum > 255 ? 255 : sum);
}

INLINE void resample_some_rows(const taps_t *taps, const uint8_t *const rows[N_ROWS],
                               uint8_t *const targets[N_ROWS]) {
    /* Puts the channels of two pixels side by side. */
    const __m256i order = _mm256_broadcastsi128_si256(
        _mm_setr_epi8(0, 4, 1, 5, 2, 6, 3, 7, 8, 12, 9, 13, 10, 14, 11, 15));
    const __m256i zero = _mm256_setzero_si256();
    for (int64_t output = 0; output < taps->n_outputs; output++) {
        const int16_t *weights = taps->weights + output * taps->n_most * 2;
        int64_t at = (int64_t)taps->firsts[output] * CHANNELS;
        sums_t sums[N_VECTORS] = {no_sums(), no_sums(), no_sums(), no_sums()};
        for (int64_t left = taps->counts[output]; left > 0; left -= QUAD) {
            const __m256i high = pair_of(weights), low = pair_of(weights + 2);
            const __m256i next_high = pair_of(weights + 4), next_low = pair_of(weights + 6);
            UNROLL
            for (int i = 0; i < N_VECTORS; i++) {
                const __m256i two = _mm256_loadu2_m128i((const __m128i *)(rows[2 * i + 1] + at),
                                                        (const __m128i *)(rows[2 * i] + at));
                const __m256i found = _mm256_shuffle_epi8(two, order);
                add(sums + i, _mm256_unpacklo_epi8(found, zero), high, low);
                add(sums + i, _mm256_unpackhi_epi8(found, zero), next_high, next_low);
            }
            weights += 2 * QUAD;
            at += QUAD * CHANNELS;
        }
        uint32_t pixels[2][N_VECTORS];
        _mm256_storeu_si256((__m256i *)pixels, levels_of(sums));
        UNROLL
        for (int i = 0; i < N_ROWS; i++)
            memcpy(targets[i] + output * CHANNELS, &pixels[i % 2][i / 2], CHANNELS);
    }
}

/* Gives each of `n_rows` rows as many pixels as there are outputs. The caller has checked all sizes, and that
   the processor has AVX2. */
EXPORT void holotype_resample_rows(const taps_t *taps, const planes_t *planes, int64_t n_rows) {
    for (int64_t row = 0; row < n_rows; row += N_ROWS) {
        const uint8_t *rows[N_ROWS];
        uint8_t *targets[N_ROWS];
        for (int i = 0; i < N_ROWS; i++) {
            /* The last row again, where there are no more. */
            const int64_t which = row + i < n_rows ? row + i : n_rows - 1;
            rows[i] = planes->source + which * planes->source_stride;
            targets[i] = planes->target + which * planes->target_stride;
        }
        if (taps->in_quads) {
            resample_some_rows(taps, rows, targets);
            continue;
        }
        for (int i = 0; i < N_ROWS; i++)
            for (int64_t at = 0; at < taps->n_outputs * CHANNELS; at++)
                targets[i][at] =
                    level_of(taps, at / CHANNELS, rows[i] + at % CHANNELS, CHANNELS);
    }
}

INLINE __m256i load(const uint8_t *from) { return _mm256_loadu_si256((const __m256i *)from); }

/* WIDTH bytes of one output, from as many of each row. */
INLINE void resample_some_columns(const taps_t *taps, int64_t output, const uint8_t *source,
                                  int64_t stride, uint8_t *target) {
    const int16_t *weights = taps->weights + output * taps->n_most * 2;
    const __m256i zero = _mm256_setzero_si256();
    sums_t sums[4] = {no_sums(), no_sums(), no_sums(), no_sums()};
    source += taps->firsts[output] * stride;
    for (int64_t left = taps->counts[output]; left > 0; left -= 2) {
        const __m256i high = pair_of(weights), low = pair_of(weights + 2);
        const __m256i first = load(source), second = load(source + stride);
        const __m256i lower = _mm256_unpacklo_epi8(first, second);
        const __m256i upper = _mm256_unpackhi_epi8(first, second);
        add(sums, _mm256_unpacklo_epi8(lower, zero), high, low);
        add(sums + 1, _mm256_unpackhi_epi8(lower, zero), high, low);
        add(sums + 2, _mm256_unpacklo_epi8(upper, zero), high, low);
        add(sums + 3, _mm256_unpackhi_epi8(upper, zero), high, low);
        weights += 4;
        source += 2 * stride;
    }
    _mm256_storeu_si256((__m256i *)target, levels_of(sums));
}

/* Gives each of `n_columns` columns as many pixels as there are outputs. The caller has checked all sizes, and
   that the processor has AVX2. */
EXPORT void holotype_resample_columns(const taps_t *taps, const planes_t *planes,
                                      int64_t n_columns) {
    const int64_t n_bytes = n_columns * CHANNELS, stride = planes->source_stride;
    const int64_t wide = taps->in_quads && n_bytes >= WIDTH ? n_bytes : 0;
    for (int64_t output = 0; output < taps->n_outputs; output++) {
        uint8_t *target = planes->target + output * planes->target_stride;
        for (int64_t at = 0; at < wide; at += WIDTH) {
            /* The last bytes overlap those before them. */
            const int64_t from = at + WIDTH <= wide ? at : wide - WIDTH;
            resample_some_columns(taps, output, planes->source + from, stride, target + from);
        }
        for (int64_t at = wide; at < n_bytes; at++)
            target[at] = level_of(taps, output, planes->source + at, stride);
    }
}
