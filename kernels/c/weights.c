/* The weights of resampling, in the steps of Pillow, since each of them rounds: this file is compiled for
   any processor, so that no product and sum become one instruction. */

#include "resampling.h"

#include <math.h>
#include <stdlib.h>

#define PI 3.14159265358979323846

/* The filters, by the numbers that the Python module gives them. */
enum { BOX, BILINEAR, HAMMING, BICUBIC, LANCZOS, N_FILTERS };

static double box(double x) { return x > -0.5 && x <= 0.5 ? 1.0 : 0.0; }

static double bilinear(double x) {
    const double away = fabs(x);
    return away < 1.0 ? 1.0 - away : 0.0;
}

static double hamming(double x) {
    const double away = fabs(x), angle = away * PI;
    if (away == 0.0) return 1.0;
    if (away >= 1.0) return 0.0;
    return sin(angle) / angle * ((double)0.54f + (double)0.46f * cos(angle));
}

/* Keys' cubic with a slope of -1/2 at 1. */
static double bicubic(double x) {
    const double slope = -0.5, away = fabs(x);
    if (away < 1.0) return ((slope + 2.0) * away - (slope + 3.0)) * away * away + 1;
    if (away < 2.0) return (((away - 5) * away + 8) * away - 4) * slope;
    return 0.0;
}

static double sinc(double x) { return x == 0.0 ? 1.0 : sin(x * PI) / (x * PI); }

static double lanczos(double x) { return -3.0 <= x && x < 3.0 ? sinc(x) * sinc(x / 3) : 0.0; }

static int32_t in_fixed_point(double weight) {
    const double scaled = weight * (1 << FRACTION_BITS);
    return (int32_t)(scaled < 0 ? scaled - 0.5 : scaled + 0.5);
}

static void put(int16_t *weights, int64_t at, int32_t weight) {
    int16_t *pair = weights + at / 2 * 4 + at % 2;
    pair[0] = (int16_t)(weight >> LOW_BITS);
    pair[2] = (int16_t)(weight & ((1 << LOW_BITS) - 1));
}

/* Computes the weights of a filter by which `n_inputs` become `n_outputs`; 0, or 1 where there is too little
   memory. The caller has checked all sizes; the arrays are those of `taps_t`, full of zeros, and `n_most` is
   at least twice the filter's reach and 4. */
EXPORT int holotype_weigh(int filter, int64_t n_inputs, int64_t n_outputs, int64_t n_most,
                          int32_t *firsts, int32_t *counts, int16_t *weights, int32_t *in_quads) {
    static double (*const filters[N_FILTERS])(double) = {box, bilinear, hamming, bicubic, lanczos};
    static const double supports[N_FILTERS] = {0.5, 1.0, 1.0, 2.0, 3.0};
    /* Pillow's box has its sides in float32. */
    const double scale = (double)(float)n_inputs / (double)n_outputs;
    const double widening = scale < 1.0 ? 1.0 : scale, narrowing = 1.0 / widening;
    const double support = supports[filter] * widening;
    double *found = malloc(n_most * sizeof *found);
    if (!found) return 1;
    *in_quads = 1;
    for (int64_t i = 0; i < n_outputs; i++, weights += n_most * 2) {
        const double center = ((double)i + 0.5) * scale;
        int64_t first = (int64_t)(center - support + 0.5), end = (int64_t)(center + support + 0.5);
        if (first < 0) first = 0;
        if (end > n_inputs) end = n_inputs;
        const int64_t count = end - first;
        double sum = 0.0;
        for (int64_t j = 0; j < count; j++) {
            found[j] = filters[filter](((double)(j + first) - center + 0.5) * narrowing);
            sum += found[j];
        }
        /* Whole quads, which begin earlier where they would not end within the inputs. */
        int64_t whole = (count + QUAD - 1) / QUAD * QUAD, skipped = 0;
        if (whole > n_inputs) {
            *in_quads = 0;
            whole = count;
        } else if (first + whole > n_inputs) {
            skipped = first + whole - n_inputs;
        }
        for (int64_t j = 0; j < count; j++)
            put(weights, skipped + j, in_fixed_point(sum != 0.0 ? found[j] / sum : found[j]));
        firsts[i] = (int32_t)(first - skipped);
        counts[i] = (int32_t)whole;
    }
    free(found);
    return 0;
}
