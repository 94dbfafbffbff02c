/* Attention: the queries of one head of one row, block by block, over all keys that they see.

   It is compiled once for each set of instructions, and named after it. Keys and values are laid out for
   the products, at most KEYS of them at a time, so that they stay in a cache near by; scores never leave
   the nearest one. Further keys rescale what the ones before have given. A value depends neither on other
   rows nor on the thread that computes it. */

#include "attention.h"

#include "vectors.h"

#include <float.h>
#include <math.h>
#include <string.h>

/* As SCORE_STRIDE, for the numbers of queries. */
#define QUERY_STRIDE (MOST_ATTENDING_DIM + 32)

/* The first values, and zeros behind them. */
INLINE vec load_first(const float *from, int64_t n_values) {
    if (n_values >= LANES) return load(from);
    vec found = {0};
    for (int64_t i = 0; i < n_values; i++) found[i] = from[i];
    return found;
}

/* e to the power of what is not above 0, as near as the weights of values are kept. */
INLINE vec exponential(vec x) {
    const vec scaled = x * 1.44269504f;
#ifdef __AVX512F__
    const __m512 whole =
        _mm512_roundscale_ps((__m512)scaled, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
    const vec rest = scaled - (vec)whole;
#else
    const vec shifted = scaled + 12582912.0f; /* 1.5 * 2^23: adding it rounds to a whole number */
    const vec rest = scaled - (shifted - 12582912.0f);
#endif
#ifdef __AVX512BF16__
    vec sum = all(9.6181291e-3f);
#else
    vec sum = all(1.5403530e-4f);
    sum = sum * rest + 1.3333558e-3f;
    sum = sum * rest + 9.6181291e-3f;
#endif
    sum = sum * rest + 5.5504109e-2f;
    sum = sum * rest + 2.4022651e-1f;
    sum = sum * rest + 6.9314718e-1f;
    sum = sum * rest + 1.0f;
#ifdef __AVX512F__
    return (vec)_mm512_scalef_ps((__m512)sum, whole);
#else
    vec found = (vec)((uvec)sum + ((uvec)shifted << 23));
    found = pick(x < -87.0f, all(0), found);
    return pick(x != x, x, found); /* NaN stays NaN */
#endif
}

/* Turns up to LANES rows of 4 bytes a lane: row i becomes column i. Missing rows become zeros. */
INLINE void turn(const number *from, int64_t stride, int64_t n_rows, int64_t n_columns, number *to,
                 int64_t to_stride) {
#ifdef __AVX512F__
    __m512 a[16], b[16];
    const __mmask16 mask = n_columns >= 16 ? 0xffff : (__mmask16)((1u << n_columns) - 1);
    UNROLL
    for (int i = 0; i < 16; i++)
        a[i] = i < n_rows ? _mm512_maskz_loadu_ps(mask, from + i * stride) : _mm512_setzero_ps();
    UNROLL
    for (int i = 0; i < 16; i += 2) {
        b[i] = _mm512_unpacklo_ps(a[i], a[i + 1]);
        b[i + 1] = _mm512_unpackhi_ps(a[i], a[i + 1]);
    }
    UNROLL
    for (int i = 0; i < 16; i += 4) {
        a[i] = _mm512_shuffle_ps(b[i], b[i + 2], 0x44);
        a[i + 1] = _mm512_shuffle_ps(b[i], b[i + 2], 0xee);
        a[i + 2] = _mm512_shuffle_ps(b[i + 1], b[i + 3], 0x44);
        a[i + 3] = _mm512_shuffle_ps(b[i + 1], b[i + 3], 0xee);
    }
    UNROLL
    for (int i = 0; i < 4; i++) {
        b[i] = _mm512_shuffle_f32x4(a[i], a[i + 4], 0x88);
        b[i + 4] = _mm512_shuffle_f32x4(a[i], a[i + 4], 0xdd);
        b[i + 8] = _mm512_shuffle_f32x4(a[i + 8], a[i + 12], 0x88);
        b[i + 12] = _mm512_shuffle_f32x4(a[i + 8], a[i + 12], 0xdd);
    }
    UNROLL
    for (int i = 0; i < 4; i++) {
        a[i] = _mm512_shuffle_f32x4(b[i], b[i + 8], 0x88);
        a[i + 8] = _mm512_shuffle_f32x4(b[i], b[i + 8], 0xdd);
        a[i + 4] = _mm512_shuffle_f32x4(b[i + 4], b[i + 12], 0x88);
        a[i + 12] = _mm512_shuffle_f32x4(b[i + 4], b[i + 12], 0xdd);
    }
    UNROLL
    for (int i = 0; i < 16; i++)
        if (i < n_columns) _mm512_storeu_ps(to + i * to_stride, a[i]);
#else
    for (int64_t i = 0; i < n_columns && i < LANES; i++)
        for (int64_t j = 0; j < LANES; j++)
            to[i * to_stride + j] = j < n_rows ? from[j * stride + i] : 0;
#endif
}

/* Lays keys out as [keys / TILE][head_dim / PER_LANE][TILE][PER_LANE]. */
static void lay_keys(const number *key, int64_t stride, int64_t n_keys, int64_t head_dim, number *to) {
    for (int64_t at = 0; at < n_keys; at += TILE, to += head_dim * TILE)
        for (int64_t half = 0; half < TILE; half += LANES)
            for (int64_t i = 0; i < head_dim; i += LANES * PER_LANE) {
                const int64_t n_rows = n_keys - at - half;
                turn(n_rows > 0 ? key + (at + half) * stride + i : key, stride, n_rows,
                     (head_dim - i) / PER_LANE, to + i * TILE + half * PER_LANE, TILE * PER_LANE);
            }
}

/* Lays rows of a table out as keys are. `rows` says which, from one distance on. */
static void lay_table(const number *table, const int64_t *rows, int64_t step, int64_t n_rows,
                      int64_t head_dim, number *to) {
    for (int64_t at = 0; at < n_rows; at += TILE, to += head_dim * TILE)
        for (int64_t half = 0; half < TILE; half += LANES) {
            number some[LANES * QUERY_STRIDE];
            const int64_t n_some = n_rows - at - half;
            for (int64_t row = 0; row < n_some && row < LANES; row++)
                memcpy(some + row * QUERY_STRIDE, table + rows[(at + half + row) * step] * head_dim,
                       head_dim * sizeof(number));
            for (int64_t i = 0; i < head_dim; i += LANES * PER_LANE)
                turn(some + i, QUERY_STRIDE, n_some, (head_dim - i) / PER_LANE,
                     to + i * TILE + half * PER_LANE, TILE * PER_LANE);
        }
}

/* Lays values out as [head_dim / TILE][keys / PER_LANE][TILE][PER_LANE], with zeros for missing ones. */
static void lay_values(const number *value, int64_t stride, int64_t n_keys, int64_t head_dim,
                       number *to) {
    for (int64_t i = 0; i < head_dim; i += TILE) {
#ifdef __AVX512BF16__
        const __mmask32 mask = head_dim - i >= TILE ? 0xffffffff : (1u << (head_dim - i)) - 1;
        const __m512i low = _mm512_set_epi16(47, 15, 46, 14, 45, 13, 44, 12, 43, 11, 42, 10, 41, 9, 40,
                                             8, 39, 7, 38, 6, 37, 5, 36, 4, 35, 3, 34, 2, 33, 1, 32, 0);
        const __m512i high = _mm512_add_epi16(low, _mm512_set1_epi16(LANES));
        for (int64_t at = 0; at < n_keys; at += 2, to += 2 * TILE) {
            const __m512i one = _mm512_maskz_loadu_epi16(mask, value + at * stride + i);
            const __m512i two =
                at + 1 < n_keys ? _mm512_maskz_loadu_epi16(mask, value + (at + 1) * stride + i)
                                : _mm512_setzero_si512();
            _mm512_storeu_si512(to, _mm512_permutex2var_epi16(one, low, two));
            _mm512_storeu_si512(to + TILE, _mm512_permutex2var_epi16(one, high, two));
        }
#else
        const int has_both = head_dim - i >= TILE;
        for (int64_t at = 0; at < n_keys; at++, to += TILE) {
            const float *from = value + at * stride + i;
            store(to, load(from));
            store(to + LANES, has_both ? load(from + LANES) : (vec){0});
        }
#endif
    }
}

/* Rows of numbers times TILE columns that lie together. */
INLINE void multiply(int n_rows, const number *rows, int64_t stride, int64_t n_inputs,
                     const number *columns, vec (*sums)[2]) {
    UNROLL
    for (int row = 0; row < n_rows; row++) sums[row][0] = sums[row][1] = (vec){0};
    for (int64_t i = 0; i < n_inputs; i += PER_LANE, columns += TILE * PER_LANE) {
#ifdef __AVX512BF16__
        const __m512bh first = (__m512bh)_mm512_loadu_si512(columns);
        const __m512bh second = (__m512bh)_mm512_loadu_si512(columns + LANES * PER_LANE);
        UNROLL
        for (int row = 0; row < n_rows; row++) {
            int32_t pair;
            memcpy(&pair, rows + row * stride + i, sizeof pair);
            const __m512bh both = (__m512bh)_mm512_set1_epi32(pair);
            sums[row][0] = (vec)_mm512_dpbf16_ps((__m512)sums[row][0], both, first);
            sums[row][1] = (vec)_mm512_dpbf16_ps((__m512)sums[row][1], both, second);
        }
#else
        const vec first = load(columns), second = load(columns + LANES);
        UNROLL
        for (int row = 0; row < n_rows; row++) {
            const vec both = all(rows[row * stride + i]);
            sums[row][0] += both * first;
            sums[row][1] += both * second;
        }
#endif
    }
}

/* Some queries and the keys that are laid out; places of keys are counted from the first of these. */
typedef struct {
    const number *queries; /* [n_rows][QUERY_STRIDE] */
    const number *keys, *values;
    int64_t n_keys, head_dim;
    int64_t low, high; /* which keys any of the queries sees */
    int64_t here; /* the place of the first query */
    int64_t behind, ahead; /* how far queries see */
    const float *bias; /* for the first query and the first key; or NULL */
    int64_t bias_step; /* how many numbers lie between the biases of two queries */
    const float *hidden; /* [n_keys up to TILE], added to scores; or NULL */
    float scale;
    int is_first, is_last; /* whether no query of these has seen a key before, or will see one later */
    float *most, *sum; /* [n_rows], the largest score so far, and the sum of weights */
    float *mean; /* [n_rows][head_dim up to TILE], so far */
    number *output; /* [n_rows][output_stride] */
    int64_t output_stride;
} block_t;

INLINE void score(int n_rows, const block_t *block, int64_t at, float *scores) {
    vec sums[MOST_ROWS][2];
    multiply(n_rows, block->queries, QUERY_STRIDE, block->head_dim,
             block->keys + at * block->head_dim, sums);
    UNROLL
    for (int row = 0; row < n_rows; row++) {
        store(scores + row * SCORE_STRIDE + at, sums[row][0] * block->scale);
        store(scores + row * SCORE_STRIDE + at + LANES, sums[row][1] * block->scale);
    }
}

/* Finds the final scores of a query in place, and returns the largest. */
INLINE float finish_scores(const block_t *block, int64_t row, int64_t from, int64_t to, float *scores) {
    const int64_t here = block->here + row;
    const int64_t low = here - block->behind > 0 ? here - block->behind : 0;
    const int64_t high = here + block->ahead < block->n_keys ? here + block->ahead + 1 : block->n_keys;
    const float *bias = block->bias ? block->bias + row * block->bias_step : 0;
    ivec lanes;
    UNROLL
    for (int i = 0; i < LANES; i++) lanes[i] = i;
    vec most = all(-INFINITY);
    for (int64_t j = from; j < to; j += LANES) {
        vec found = load(scores + j);
        const int is_cut = j < low || j + LANES > high;
        if (bias) found += is_cut ? load_first(bias + j, block->n_keys - j) : load(bias + j);
        if (block->hidden) found += load(block->hidden + j);
        if (is_cut) {
            const ivec places = lanes + (int32_t)j;
            const ivec seen = (places >= (int32_t)low) & (places < (int32_t)high);
            found = pick(seen, found, all(-INFINITY));
        }
        if (is_cut || bias || block->hidden) store(scores + j, found);
        most = larger(found, most);
    }
    return largest(most);
}

/* Turns scores into weights of values; `factors` become what earlier keys' weights are scaled by. */
INLINE void weigh(int n_rows, const block_t *block, int64_t from, int64_t to, float *scores,
                  number *weights, float *factors) {
    for (int row = 0; row < n_rows; row++) {
        float *own = scores + row * SCORE_STRIDE;
        float most = finish_scores(block, row, from, to, own);
        if (!block->is_first && block->most[row] > most) most = block->most[row];
        /* A query that sees nothing yet has no largest score. */
        const float base = most == -INFINITY ? 0 : most;
        vec sums = {0};
        for (int64_t j = from; j < to; j += LANES) {
            const vec found = exponential(load(own + j) - base);
            sums += found;
            store_number(weights + row * SCORE_STRIDE + j, found);
        }
        float sum = total(sums);
        if (!block->is_first) {
            factors[row] = exponential(all(block->most[row] - base))[0];
            sum += block->sum[row] * factors[row];
        }
        block->most[row] = most;
        block->sum[row] = sum;
    }
}

/* Sums values by their weights. A query that sees nothing gets zeros, as in torch. */
INLINE void mix(int n_rows, const block_t *block, int64_t from, int64_t to, const number *weights,
                const float *factors) {
    const int64_t n_keys = (block->n_keys + PER_LANE - 1) / PER_LANE * PER_LANE;
    const int64_t width = (block->head_dim + TILE - 1) / TILE * TILE;
    if (to > n_keys) to = n_keys;
    for (int64_t column = 0; column < block->head_dim; column += TILE) {
        vec sums[MOST_ROWS][2];
        multiply(n_rows, weights + from, SCORE_STRIDE, to - from,
                 block->values + column * n_keys + from * TILE, sums);
        UNROLL
        for (int row = 0; row < n_rows; row++) {
            float *mean = block->mean + row * width + column;
            number *output = block->output + row * block->output_stride + column;
            const float share = block->sum[row] == 0 ? 0 : 1 / block->sum[row];
            UNROLL
            for (int half = 0; half < TILE; half += LANES) {
                vec found = sums[row][half / LANES];
                if (!block->is_first) found += load(mean + half) * factors[row];
                if (!block->is_last) store(mean + half, found);
                else if (column + half < block->head_dim) store_number(output + half, found * share);
            }
        }
    }
}

INLINE void attend_rows(int n_rows, const block_t *block) {
    float scores[MOST_ROWS * SCORE_STRIDE], factors[MOST_ROWS];
#ifdef __AVX512BF16__
    number weights[MOST_ROWS * SCORE_STRIDE];
#else
    number *weights = scores;
#endif
    const int64_t from = block->low / TILE * TILE;
    int64_t to = from;
    for (; to < block->high; to += TILE) score(n_rows, block, to, scores);
    weigh(n_rows, block, from, to, scores, weights, factors);
    mix(n_rows, block, from, to, weights, factors);
}

static void attend_block(int64_t n_rows, const block_t *block) {
    switch (n_rows) {
#define CASE(n)                \
    case n:                    \
        attend_rows(n, block); \
        break;
        CASE(1) CASE(2) CASE(3) CASE(4) CASE(5) CASE(6)
#if MOST_ROWS > 6
        CASE(7) CASE(8) CASE(9) CASE(10) CASE(11) CASE(12)
#endif
    }
}

static int64_t more_of(int64_t a, int64_t b) { return a > b ? a : b; }
static int64_t less_of(int64_t a, int64_t b) { return a < b ? a : b; }

/* The queries and keys of one head whose distances are scored, and a table that is laid out. */
typedef struct {
    const number *query, *key; /* the first ones */
    int64_t query_stride, key_stride, n_queries, n_keys, head_dim;
    const number *columns; /* by distance, so that neighbours of a token lie side by side */
    float *scores; /* [n_queries][SCORE_STRIDE] */
} distant_t;

/* Rows of numbers times the columns that any of them needs. */
INLINE void multiply_some(int n_rows, const distant_t *distant, const number *rows, int64_t from,
                          int64_t to, float *found, int64_t stride) {
    for (int64_t at = from; at < to; at += TILE, found += TILE) {
        vec sums[MOST_ROWS][2];
        multiply(n_rows, rows, QUERY_STRIDE, distant->head_dim,
                 distant->columns + at * distant->head_dim, sums);
        UNROLL
        for (int row = 0; row < n_rows; row++) {
            store(found + row * stride, sums[row][0]);
            store(found + row * stride + LANES, sums[row][1]);
        }
    }
}

/* Scores LANES keys. A key's products with distances lie side by side for all queries, one place before
   those of the key ahead of it, and are turned. */
static void score_keys(const distant_t *distant, int64_t at) {
    enum { STRIDE = QUERIES + 2 * TILE };
    number keys[LANES * QUERY_STRIDE];
    float found[LANES * STRIDE];
    const int64_t n_keys = less_of(LANES, distant->n_keys - at);
    for (int64_t row = 0; row < LANES; row++) {
        const int64_t place = less_of(at + row, distant->n_keys - 1); /* what is missing is not read */
        memcpy(keys + row * QUERY_STRIDE, distant->key + place * distant->key_stride,
               distant->head_dim * sizeof(number));
    }
    const int64_t first = distant->n_keys - 1 - at; /* of the first key and the first query */
    const int64_t from = (first - (n_keys - 1)) / TILE * TILE, to = first + distant->n_queries;
    for (int64_t half = 0; half < LANES; half += LANES / 2)
        multiply_some(LANES / 2, distant, keys + half * QUERY_STRIDE, from, to, found + half * STRIDE,
                      STRIDE);
    for (int64_t i = 0; i < distant->n_queries; i += LANES)
        turn((number *)(found + first - from + i), (STRIDE - 1) * PER_LANE, n_keys,
             distant->n_queries - i, (number *)(distant->scores + i * SCORE_STRIDE + at),
             SCORE_STRIDE * PER_LANE);
}

INLINE void score_queries(int n_rows, const distant_t *distant, int64_t at, int is_first) {
    enum { STRIDE = KEYS + 2 * TILE };
    number queries[MOST_ROWS * QUERY_STRIDE];
    float found[MOST_ROWS * STRIDE];
    UNROLL
    for (int row = 0; row < n_rows; row++)
        memcpy(queries + row * QUERY_STRIDE, distant->query + (at + row) * distant->query_stride,
               distant->head_dim * sizeof(number));
    const int64_t first = distant->n_queries - 1 - at;
    const int64_t from = (first - (n_rows - 1)) / TILE * TILE, to = first + distant->n_keys;
    multiply_some(n_rows, distant, queries, from, to, found, STRIDE);
    UNROLL
    for (int row = 0; row < n_rows; row++) {
        const float *own = found + row * STRIDE + first - row - from;
        float *scores = distant->scores + (at + row) * SCORE_STRIDE;
        for (int64_t j = 0; j < distant->n_keys; j += LANES) {
            vec sums = load(own + j);
            if (!is_first) sums += load(scores + j);
            store(scores + j, sums);
        }
    }
}

static void score_query_block(int64_t n_rows, const distant_t *distant, int64_t at, int is_first) {
    switch (n_rows) {
#define SCORE(n)                                \
    case n:                                     \
        score_queries(n, distant, at, is_first); \
        break;
        SCORE(1) SCORE(2) SCORE(3) SCORE(4) SCORE(5) SCORE(6)
#if MOST_ROWS > 6
        SCORE(7) SCORE(8) SCORE(9) SCORE(10) SCORE(11) SCORE(12)
#endif
    }
}

/* Multiplies queries and keys with what tables have for the distances between them. `rows` are those of the
   distance of the first query from the first key. */
static void score_distances(const attention_t *attention, int64_t head, const int64_t *rows,
                            distant_t *distant, number *columns) {
    const int64_t head_dim = distant->head_dim, n_queries = distant->n_queries;
    const int64_t n_keys = distant->n_keys, n_distances = n_queries + n_keys - 1;
    const int64_t table = head * attention->n_table_rows * head_dim;
    distant->columns = columns;
    if (attention->key_table) {
        lay_table((const number *)attention->key_table + table, rows - (n_keys - 1), 1, n_distances,
                  head_dim, columns);
        for (int64_t at = 0; at < n_keys; at += LANES) score_keys(distant, at);
    }
    if (attention->query_table) {
        lay_table((const number *)attention->query_table + table, rows + n_queries - 1, -1, n_distances,
                  head_dim, columns);
        const int64_t n_blocks = (n_queries + MOST_ROWS - 1) / MOST_ROWS;
        for (int64_t block = 0, at = 0; block < n_blocks; block++) {
            const int64_t n_rows = (n_queries - at) / (n_blocks - block);
            score_query_block(n_rows, distant, at, !attention->key_table);
            at += n_rows;
        }
    }
}

void NAME(const attention_t *attention, const part_t *part, int64_t head, void *room) {
    const int64_t head_dim = attention->head_dim, width = (head_dim + TILE - 1) / TILE * TILE;
    const int64_t key_head = head / (attention->n_heads / attention->n_key_heads);
    const int64_t query_stride = attention->query_strides[0], key_stride = attention->key_strides[0];
    const int64_t value_stride = attention->value_strides[0];
    const int64_t output_stride = attention->n_heads * head_dim;
    const int64_t token = part->start + part->first;
    const number *query = (const number *)attention->query + token * query_stride +
                          head * attention->query_strides[1];
    const number *key = (const number *)attention->key + part->start * key_stride +
                        key_head * attention->key_strides[1];
    const number *value = (const number *)attention->value + part->start * value_stride +
                          key_head * attention->value_strides[1];
    number *output = (number *)attention->output + token * output_stride + head * head_dim;
    number *keys = room, *values = keys + KEYS * head_dim;
    float *mean = (float *)(values + KEYS * width);
    number *columns = (number *)(mean + QUERIES * width);
    float *distant_scores = (float *)(columns + (QUERIES + KEYS) * head_dim);
    float most[QUERIES], sum[QUERIES], hidden[KEYS];
    const int64_t n_queries = less_of(QUERIES, part->length - part->first);
    const int64_t behind = attention->window ? attention->window - 1 : part->length;
    const int64_t ahead = attention->is_causal ? 0 : behind;
    const int64_t end = less_of(part->length, part->first + n_queries + ahead);
    const int64_t n_blocks = (n_queries + MOST_ROWS - 1) / MOST_ROWS;
    for (int64_t first = more_of(0, part->first - behind); first < end; first += KEYS) {
        const int64_t n_keys = less_of(KEYS, end - first);
        lay_keys(key + first * key_stride, key_stride, n_keys, head_dim, keys);
        lay_values(value + first * value_stride, value_stride, n_keys, head_dim, values);
        for (int64_t j = 0; attention->attended && j < KEYS; j++) {
            const int is_hidden = j < n_keys && !attention->attended[part->start + first + j];
            /* Where nothing is attended, torch returns zeros, and with a bias a mean. */
            hidden[j] = !is_hidden ? 0 : attention->bias ? -FLT_MAX / 2 : -INFINITY;
        }
        if (attention->table_rows) {
            distant_t distant = {
                .query = query,
                .key = key + first * key_stride,
                .query_stride = query_stride,
                .key_stride = key_stride,
                .n_queries = n_queries,
                .n_keys = n_keys,
                .head_dim = head_dim,
                .scores = distant_scores,
            };
            score_distances(attention, head,
                            attention->table_rows + attention->reach - 1 + part->first - first,
                            &distant, columns);
        }
        for (int64_t block = 0, at = 0; block < n_blocks; block++) {
            const int64_t n_rows = (n_queries - at) / (n_blocks - block);
            const int64_t here = part->first + at;
            const int64_t low = more_of(0, here - behind);
            const int64_t high = less_of(part->length, here + n_rows + ahead);
            if (low < first + n_keys && high > first) {
                number queries[MOST_ROWS * QUERY_STRIDE];
                for (int64_t row = 0; row < n_rows; row++)
                    memcpy(queries + row * QUERY_STRIDE, query + (at + row) * query_stride,
                           head_dim * sizeof(number));
                const float *bias = 0;
                if (attention->table_rows) bias = distant_scores + at * SCORE_STRIDE;
                else if (attention->bias)
                    bias = attention->bias + head * (2 * attention->bias_length - 1) +
                           attention->bias_length - 1 + first - here;
                const block_t given = {
                    .queries = queries,
                    .keys = keys,
                    .values = values,
                    .n_keys = n_keys,
                    .head_dim = head_dim,
                    .low = more_of(0, low - first),
                    .high = less_of(n_keys, high - first),
                    .here = here - first,
                    .behind = behind,
                    .ahead = ahead,
                    .bias = bias,
                    .bias_step = attention->table_rows ? SCORE_STRIDE : -1,
                    .hidden = attention->attended ? hidden : 0,
                    .scale = attention->scale,
                    .is_first = low >= first,
                    .is_last = high <= first + n_keys,
                    .most = most + at,
                    .sum = sum + at,
                    .mean = mean + at * width,
                    .output = output + at * output_stride,
                    .output_stride = output_stride,
                };
                attend_block(n_rows, &given);
            }
            at += n_rows;
        }
    }
}
