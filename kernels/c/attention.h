/* What the entry and attention share; the Python module describes the same structure to ctypes. */

#ifndef HOLOTYPE_ATTENTION_H
#define HOLOTYPE_ATTENTION_H

#include <stdint.h>

#define MOST_ATTENDING_DIM 256
/* How many keys are laid out at once, and how many queries read them before the next ones are. */
#define KEYS 256
#define QUERIES 512
/* How many scores lie between two queries: apart from a power of two, so that rows lie in different sets of
   the cache. */
#define SCORE_STRIDE (KEYS + 32)

/* Queries, keys, values and the output are float32, or bfloat16 with AVX512-BF16. */
typedef struct {
    const void *query, *key, *value;
    void *output; /* [n_tokens][n_heads][head_dim] */
    const int64_t *lengths; /* the tokens of each row */
    const uint8_t *attended; /* whether the tokens of its row attend to a token; or NULL */
    const float *bias; /* [n_heads][2 * bias_length - 1], by the distance of a key from its query; or NULL */
    /* What queries and keys are multiplied with, [n_heads][n_table_rows][head_dim]; or NULL. */
    const void *query_table, *key_table;
    const int64_t *table_rows; /* by the distance of a query from its key, from 1 - reach on; or NULL */
    int64_t n_table_rows, reach;
    /* How many numbers lie between two tokens, and between two heads. */
    int64_t query_strides[2], key_strides[2], value_strides[2];
    int64_t n_rows, n_heads, n_key_heads, head_dim, bias_length;
    int64_t window; /* tokens see each other at distances below it; 0 for all */
    float scale;
    int32_t is_causal;
} attention_t;

/* Up to QUERIES queries of a row. */
typedef struct {
    int64_t start, length; /* the row's first token and how many it has */
    int64_t first; /* the first query, in the row */
} part_t;

typedef void attend_t(const attention_t *attention, const part_t *part, int64_t head, void *room);

attend_t attend_avx2, attend_avx512, attend_avx512_bf16;

#endif
