/* One pass through the layers of an encoder, for few tokens.

   It is compiled once for each set of instructions, and named after it. A processor spends such a pass on
   reading weights, so that each is read once, whatever the number of tokens up to MOST_ROWS.
   Threads share the columns of a product, the heads of attention and the rows of a norm; which thread
   computes a value does not change it. */

#include "few_tokens.h"

#include "vectors.h"

#include <float.h>
#include <math.h>

/* How many inputs the reading of weights is ahead of the arithmetic. */
#define AHEAD 24
#define CACHE_LINE 64

/* e to the power of what is not above 0; 0 below -87, where float32 ends. */
INLINE vec exponential(vec x) {
    const float magic = 12582912.0f; /* 1.5 * 2^23: adding it rounds to a whole number */
    vec shifted = x * 1.44269504f + magic;
    vec whole = shifted - magic;
    vec rest = x - whole * 0.693145752f;
    rest = rest - whole * 1.42860677e-6f;
    vec sum = all(1.0f / 720);
    sum = sum * rest + 1.0f / 120;
    sum = sum * rest + 1.0f / 24;
    sum = sum * rest + 1.0f / 6;
    sum = sum * rest + 0.5f;
    sum = sum * rest + 1.0f;
    sum = sum * rest + 1.0f;
    vec found = (vec)((uvec)sum + ((uvec)shifted << 23));
    found = pick(x < -87.0f, all(0), found);
    return pick(x != x, x, found); /* NaN stays NaN */
}

/* The exact GELU, with the error function of Abramowitz and Stegun, 7.1.26: to 1.5e-7. */
INLINE vec gelu(vec x) {
    vec size = (vec)((ivec)x & 0x7fffffff) * 0.707106781f;
    vec t = 1.0f / (1.0f + 0.3275911f * size);
    vec sum = all(1.061405429f);
    sum = sum * t - 1.453152027f;
    sum = sum * t + 1.421413741f;
    sum = sum * t - 0.284496736f;
    sum = sum * t + 0.254829592f;
    vec error = 1.0f - sum * t * exponential(-size * size);
    return 0.5f * x * (1.0f + pick(x < 0.0f, -error, error));
}

typedef enum { KEEP, GELU, RELU, ADD } then_t;

/* A product: which rows times which weights, and what becomes of it. */
typedef struct {
    const number *input; /* [n_rows][n_inputs] */
    const number *weight;
    const float *bias; /* [n_columns] */
    const float *added; /* [n_rows][n_columns], for ADD */
    float *output; /* [n_rows][n_columns], for KEEP and ADD */
    number *narrow; /* the same for GELU and RELU */
    int64_t n_rows, n_inputs, n_columns;
} product_t;

/* All of a panel's outputs, so that its first tile brings it into the cache for the others: half the time
   of a short text where others use the memory, too. */
INLINE void fetch_ahead(const number *weight) {
    const char *at = (const char *)weight + AHEAD * PANEL * 4;
    UNROLL
    for (int i = 0; i < PANEL * 4; i += CACHE_LINE) __builtin_prefetch(at + i);
}

INLINE void multiply(int n_rows, const number *input, int64_t n_inputs, const number *weight,
                     vec (*sums)[2]) {
    UNROLL
    for (int row = 0; row < n_rows; row++) sums[row][0] = sums[row][1] = (vec){0};
#ifdef __AVX512BF16__
    const int64_t n_pairs = n_inputs / 2;
    for (int64_t i = 0; i < n_pairs; i++, weight += 2 * PANEL) {
        fetch_ahead(weight);
        __m512bh first = (__m512bh)_mm512_loadu_si512(weight);
        __m512bh second = (__m512bh)_mm512_loadu_si512(weight + 2 * LANES);
        UNROLL
        for (int row = 0; row < n_rows; row++) {
            int32_t pair;
            __builtin_memcpy(&pair, input + row * n_inputs + 2 * i, sizeof pair);
            __m512bh both = (__m512bh)_mm512_set1_epi32(pair);
            sums[row][0] = (vec)_mm512_dpbf16_ps((__m512)sums[row][0], both, first);
            sums[row][1] = (vec)_mm512_dpbf16_ps((__m512)sums[row][1], both, second);
        }
    }
#else
    for (int64_t i = 0; i < n_inputs; i++, weight += PANEL) {
        fetch_ahead(weight);
        vec first = load(weight), second = load(weight + LANES);
        UNROLL
        for (int row = 0; row < n_rows; row++) {
            vec both = all(input[row * n_inputs + i]);
            sums[row][0] += both * first;
            sums[row][1] += both * second;
        }
    }
#endif
}

INLINE void tile(int n_rows, const product_t *product, int64_t first_row, int64_t column,
                 then_t then) {
    const int64_t per_input = sizeof(number) == 2 ? 2 : 1;
    const int64_t panel = column / PANEL, within = column % PANEL;
    vec sums[MOST_ROWS][2];
    multiply(n_rows, product->input + first_row * product->n_inputs, product->n_inputs,
             product->weight + panel * PANEL * product->n_inputs + within * per_input, sums);
    UNROLL
    for (int row = 0; row < n_rows; row++) {
        UNROLL
        for (int half = 0; half < 2; half++) {
            const int64_t at = column + half * LANES;
            const int64_t place = (first_row + row) * product->n_columns + at;
            vec found = sums[row][half] + load(product->bias + at);
            if (then == ADD) found += load(product->added + place);
            if (then == GELU) found = gelu(found);
            if (then == RELU) found = pick(found < 0.0f, all(0), found);
            if (then == GELU || then == RELU)
                store_number(product->narrow + place, found);
            else
                store(product->output + place, found);
        }
    }
}

INLINE void multiply_all(const product_t *product, then_t then, int64_t thread, int64_t n_threads) {
    const int64_t n_tiles = product->n_columns / TILE;
    const int64_t n_blocks = (product->n_rows + MOST_ROWS - 1) / MOST_ROWS;
    for (int64_t i = n_tiles * thread / n_threads; i < n_tiles * (thread + 1) / n_threads; i++) {
        for (int64_t block = 0, row = 0; block < n_blocks; block++) {
            const int64_t n_rows = (product->n_rows - row) / (n_blocks - block);
            switch (n_rows) {
#define CASE(n)                                  \
    case n:                                      \
        tile(n, product, row, i * TILE, then);   \
        break;
                CASE(1) CASE(2) CASE(3) CASE(4) CASE(5) CASE(6)
#if MOST_ROWS > 6
                CASE(7) CASE(8) CASE(9) CASE(10) CASE(11) CASE(12)
#endif
            }
            row += n_rows;
        }
    }
}

static void multiply_and_keep(const product_t *product, int64_t thread, int64_t n_threads) {
    multiply_all(product, KEEP, thread, n_threads);
}
static void multiply_and_add(const product_t *product, int64_t thread, int64_t n_threads) {
    multiply_all(product, ADD, thread, n_threads);
}
static void multiply_and_gelu(const product_t *product, int64_t thread, int64_t n_threads) {
    multiply_all(product, GELU, thread, n_threads);
}
static void multiply_and_relu(const product_t *product, int64_t thread, int64_t n_threads) {
    multiply_all(product, RELU, thread, n_threads);
}

/* One head of one row: `from` is its first query, [length][3 * width]; `to` is [length][width]. */
static void attend(const float *from, number *to, int64_t width, int64_t head_dim, int64_t length,
                   const uint8_t *attended, const float *bias, int64_t bias_length) {
    const float *key = from + width, *value = key + width;
    const int64_t stride = 3 * width, padded = (length + LANES - 1) / LANES * LANES;
    const float scale = 1 / sqrtf((float)head_dim);
    float keys[MOST_HEAD_DIM * MOST_TOKENS], scores[MOST_TOKENS];
    for (int64_t j = 0; j < padded; j++)
        for (int64_t i = 0; i < head_dim; i++)
            keys[i * padded + j] = j < length ? key[j * stride + i] * scale : 0;
    for (int64_t at = 0; at < length; at++) {
        const float *query = from + at * stride;
        for (int64_t j = 0; j < padded; j += LANES) {
            vec sum = {0};
            for (int64_t i = 0; i < head_dim; i++) sum += query[i] * load(keys + i * padded + j);
            store(scores + j, sum);
        }
        float most = -INFINITY;
        for (int64_t j = 0; j < padded; j++) {
            if (j >= length) scores[j] = -INFINITY;
            else if (attended && !attended[j]) scores[j] = bias ? -FLT_MAX : -INFINITY;
            else if (bias) scores[j] += bias[at * bias_length + j];
            most = scores[j] > most ? scores[j] : most;
        }
        /* A row without a token that is attended becomes zeros, and with a bias a mean, as in torch. */
        most = most == -INFINITY ? 0 : most;
        vec sums = {0};
        for (int64_t j = 0; j < padded; j += LANES) {
            vec found = exponential(load(scores + j) - most);
            sums += found;
            store(scores + j, found);
        }
        const float sum = total(sums), share = sum == 0 ? 0 : 1 / sum;
        for (int64_t i = 0; i < head_dim; i += LANES) {
            vec found = {0};
            for (int64_t j = 0; j < length; j++) found += scores[j] * load(value + j * stride + i);
            store_number(to + at * width + i, found * share);
        }
    }
}

static void attend_all(const model_t *model, const batch_t *batch, const room_t *room,
                       int64_t thread, int64_t n_threads) {
    const int64_t width = model->hidden_dim, head_dim = width / model->n_heads;
    int64_t start = 0, turn = 0;
    for (int64_t row = 0; row < batch->n_rows; row++) {
        const int64_t length = batch->lengths[row];
        for (int64_t head = 0; head < model->n_heads; head++, turn++) {
            if (turn % n_threads != thread) continue;
            const int64_t bias_size = batch->bias_length * batch->bias_length;
            attend(room->query_key_value + start * 3 * width + head * head_dim,
                   (number *)room->input + start * width + head * head_dim, width, head_dim, length,
                   batch->attended ? batch->attended + start : 0,
                   batch->bias ? batch->bias + head * bias_size : 0, batch->bias_length);
        }
        start += length;
    }
}

/* Norms the rows of a thread in place, and writes them to the input of the next product. */
static void norm(const model_t *model, float *vectors, int64_t n_rows, const float *weight,
                 const float *bias, number *input, int64_t thread, int64_t n_threads) {
    const int64_t width = model->hidden_dim;
    for (int64_t row = thread; row < n_rows; row += n_threads) {
        float *values = vectors + row * width;
        vec sum = {0}, squares = {0};
        for (int64_t i = 0; i < width; i += LANES) sum += load(values + i);
        const float mean = total(sum) / (float)width;
        for (int64_t i = 0; i < width; i += LANES) {
            vec away = load(values + i) - mean;
            squares += away * away;
        }
        const float factor = 1 / sqrtf(total(squares) / (float)width + model->norm_eps);
        for (int64_t i = 0; i < width; i += LANES) {
            vec found = (load(values + i) - mean) * factor * load(weight + i) + load(bias + i);
            store(values + i, found);
            store_number(input + row * width + i, found);
        }
    }
}

void NAME(const model_t *model, const batch_t *batch, const room_t *room, int64_t thread,
          int64_t n_threads, barrier_t wait) {
    const int64_t n = batch->n_tokens, width = model->hidden_dim, inner = model->inner_dim;
    number *input = room->input;
    for (int64_t i = thread * LANES; i < n * width; i += n_threads * LANES)
        store_number(input + i, load(batch->vectors + i));
    wait();
    for (int64_t number_of = 0; number_of < model->n_layers; number_of++) {
        const layer_t *layer = model->layers + number_of;
        product_t three = {.input = input, .weight = layer->query_key_value,
                           .bias = layer->query_key_value_bias, .output = room->query_key_value,
                           .n_rows = n, .n_inputs = width, .n_columns = 3 * width};
        multiply_and_keep(&three, thread, n_threads);
        wait();
        attend_all(model, batch, room, thread, n_threads);
        wait();
        product_t attended = {.input = input, .weight = layer->attended,
                              .bias = layer->attended_bias, .added = batch->vectors,
                              .output = room->sums, .n_rows = n, .n_inputs = width,
                              .n_columns = width};
        multiply_and_add(&attended, thread, n_threads);
        wait();
        norm(model, room->sums, n, layer->attention_norm, layer->attention_norm_bias, input, thread,
             n_threads);
        wait();
        product_t up = {.input = input, .weight = layer->up, .bias = layer->up_bias,
                        .narrow = room->inner, .n_rows = n, .n_inputs = width, .n_columns = inner};
        if (model->has_relu) multiply_and_relu(&up, thread, n_threads);
        else multiply_and_gelu(&up, thread, n_threads);
        wait();
        product_t down = {.input = room->inner, .weight = layer->down, .bias = layer->down_bias,
                          .added = room->sums, .output = batch->vectors, .n_rows = n,
                          .n_inputs = inner, .n_columns = width};
        multiply_and_add(&down, thread, n_threads);
        wait();
        norm(model, batch->vectors, n, layer->output_norm, layer->output_norm_bias, input, thread,
             n_threads);
        wait();
    }
}
