/* What the weights of resampling and its passes share; the Python module describes the same structures to
   ctypes. */

#ifndef HOLOTYPE_RESAMPLING_H
#define HOLOTYPE_RESAMPLING_H

#include <stdint.h>

#define EXPORT __attribute__((visibility("default")))

/* Bytes of a pixel, one for each channel. */
#define CHANNELS 4
/* How many weights are read at once. */
#define QUAD 4
/* The bits of a weight behind the point, and those of the lower of its two parts. */
#define FRACTION_BITS 22
#define LOW_BITS 15

/* The weights of every output along one axis. A weight is an upper and a lower part of 16 bits each. */
typedef struct {
    const int32_t *firsts; /* [n_outputs]: the first input that has a weight */
    const int32_t *counts; /* [n_outputs]: how many inputs have one: whole quads, if `in_quads` */
    const int16_t *weights; /* [n_outputs][n_most / 2][4]: two upper parts, two lower ones; then zeros */
    int64_t n_inputs, n_outputs, n_most; /* n_most: the inputs of an output, in whole quads */
    int32_t in_quads;
} taps_t;

/* Bytes of pixels, and how many lie between two rows. */
typedef struct {
    const uint8_t *source;
    uint8_t *target;
    int64_t source_stride, target_stride;
} planes_t;

#endif
