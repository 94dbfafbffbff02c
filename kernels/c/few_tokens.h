/* What the entry and the passes share; the Python module describes the same structures to ctypes. */

#ifndef HOLOTYPE_FEW_TOKENS_H
#define HOLOTYPE_FEW_TOKENS_H

#include <stdint.h>

/* More tokens run as fast by oneDNN. */
#define MOST_TOKENS 64
#define MOST_HEAD_DIM 128
/* The columns of a panel: weights lie as [columns / 64][inputs][64], in bfloat16 as
   [columns / 64][inputs / 2][64][2]. */
#define PANEL 64

typedef struct {
    const void *query_key_value, *attended, *up, *down;
    const float *query_key_value_bias, *attended_bias, *up_bias, *down_bias;
    const float *attention_norm, *attention_norm_bias, *output_norm, *output_norm_bias;
} layer_t;

typedef struct {
    const layer_t *layers;
    int64_t n_layers, hidden_dim, inner_dim, n_heads;
    float norm_eps;
    int32_t has_relu; /* between the two maps, in the place of GELU */
} model_t;

typedef struct {
    float *vectors; /* [n_tokens][hidden_dim], replaced by the last hidden states */
    const int64_t *lengths; /* the tokens of each row; their sum is n_tokens */
    const uint8_t *attended; /* whether the other tokens of its row attend to a token; or NULL */
    const float *bias; /* [n_heads][bias_length][bias_length], added to scores; or NULL */
    int64_t n_tokens, n_rows, bias_length;
} batch_t;

/* Buffers of a pass. Inputs of products are in the type of the weights. */
typedef struct {
    void *input, *inner;
    float *query_key_value, *sums;
} room_t;

typedef void (*barrier_t)(void);

/* Runs the part of one thread of several, which wait for each other by the barrier. */
typedef void pass_t(const model_t *model, const batch_t *batch, const room_t *room, int64_t thread,
                    int64_t n_threads, barrier_t wait);

pass_t pass_avx2, pass_avx512, pass_avx512_bf16;

#endif
