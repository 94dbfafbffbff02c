/* The entries: which instructions the processor has, and how work is shared by threads. */

#include "attention.h"
#include "few_tokens.h"

#include <cpuid.h>
#include <stdatomic.h>
#include <stdlib.h>

#define EXPORT __attribute__((visibility("default")))

/* The sets of instructions, by the numbers that the Python module gives them. */
enum { AVX2, AVX512, AVX512_BF16, N_SETS };

/* The functions of the OpenMP that the process has loaded: its threads are those of torch, too. */
typedef struct {
    void (*parallel)(void (*run)(void *), void *data, unsigned n_threads, unsigned flags);
    void (*barrier)(void);
    int (*thread)(void);
    int (*n_threads)(void);
} openmp_t;

typedef struct {
    pass_t *pass;
    const model_t *model;
    const batch_t *batch;
    const room_t *room;
    const openmp_t *openmp;
} job_t;

static void go_on(void) {}

static void run_part(void *data) {
    const job_t *job = data;
    job->pass(job->model, job->batch, job->room, job->openmp->thread(), job->openmp->n_threads(),
              job->openmp->barrier);
}

/* Returns whether this processor, under this operating system, has a set of instructions. */
EXPORT int holotype_supports(int set) {
    unsigned a, b, c, d, features, low, high;
    if (!__get_cpuid(1, &a, &b, &c, &d) || !(c & bit_OSXSAVE) || !(c & bit_FMA)) return 0;
    __asm__("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
    if (!__get_cpuid_count(7, 0, &a, &features, &c, &d)) return 0;
    const unsigned avx512 = bit_AVX512F | bit_AVX512DQ | bit_AVX512BW | bit_AVX512VL;
    const int has_avx2 = (low & 0x06) == 0x06 && (features & bit_AVX2);
    const int has_avx512 = has_avx2 && (low & 0xe6) == 0xe6 && (features & avx512) == avx512;
    if (set == AVX2) return has_avx2;
    if (set == AVX512) return has_avx512;
    if (set != AVX512_BF16 || !has_avx512 || a < 1) return 0;
    return __get_cpuid_count(7, 1, &a, &b, &c, &d) && (a & (1u << 5));
}

static int64_t aligned(int64_t n_bytes) { return (n_bytes + 63) / 64 * 64; }

/* Runs a pass; 0, or 1 where there is too little memory. The caller has checked all sizes.
   `openmp` is NULL for one thread. */
EXPORT int holotype_run(int set, const model_t *model, const batch_t *batch, const openmp_t *openmp,
                        int n_threads) {
    static pass_t *const passes[N_SETS] = {pass_avx2, pass_avx512, pass_avx512_bf16};
    const int64_t n = batch->n_tokens, width = model->hidden_dim;
    const int64_t size = set == AVX512_BF16 ? 2 : 4;
    const int64_t sizes[] = {aligned(n * width * size), aligned(n * model->inner_dim * size),
                             aligned(n * width * 3 * 4), aligned(n * width * 4)};
    char *memory = malloc(sizes[0] + sizes[1] + sizes[2] + sizes[3] + 64);
    if (!memory) return 1;
    char *at = memory + (64 - (uintptr_t)memory % 64) % 64;
    const room_t room = {
        .input = at,
        .inner = at + sizes[0],
        .query_key_value = (float *)(at + sizes[0] + sizes[1]),
        .sums = (float *)(at + sizes[0] + sizes[1] + sizes[2]),
    };
    job_t job = {passes[set], model, batch, &room, openmp};
    if (openmp && n_threads > 1) openmp->parallel(run_part, &job, n_threads, 0);
    else job.pass(model, batch, &room, 0, 1, go_on);
    free(memory);
    return 0;
}

/* What threads take from: a head of a part at a time. */
typedef struct {
    attend_t *attend;
    const attention_t *attention;
    const part_t *parts;
    int64_t n_parts;
    char *rooms; /* one for each thread */
    int64_t room_bytes;
    const openmp_t *openmp;
    _Atomic int64_t next;
} queue_t;

static void take_all(queue_t *queue, int64_t thread) {
    const int64_t n_heads = queue->attention->n_heads, n_items = queue->n_parts * n_heads;
    for (;;) {
        const int64_t at = atomic_fetch_add_explicit(&queue->next, 1, memory_order_relaxed);
        if (at >= n_items) return;
        queue->attend(queue->attention, queue->parts + at / n_heads, at % n_heads,
                      queue->rooms + thread * queue->room_bytes);
    }
}

static void take_as_thread(void *data) {
    queue_t *queue = data;
    take_all(queue, queue->openmp->thread());
}

/* Lets the tokens of every row attend to each other; 0, or 1 where there is too little memory. The caller
   has checked all sizes. `openmp` is NULL for one thread. */
EXPORT int holotype_attend(int set, const attention_t *attention, const openmp_t *openmp,
                           int n_threads) {
    static attend_t *const kinds[N_SETS] = {attend_avx2, attend_avx512, attend_avx512_bf16};
    const int64_t size = set == AVX512_BF16 ? 2 : 4, width = (attention->head_dim + 31) / 32 * 32;
    const int64_t distant_bytes =
        attention->table_rows ? (QUERIES + KEYS) * width * size + QUERIES * SCORE_STRIDE * 4 : 0;
    const int64_t room_bytes = aligned(2 * KEYS * width * size + QUERIES * width * 4 + distant_bytes);
    int64_t n_parts = 0;
    for (int64_t row = 0; row < attention->n_rows; row++)
        n_parts += (attention->lengths[row] + QUERIES - 1) / QUERIES;
    char *memory = malloc(room_bytes * n_threads + n_parts * sizeof(part_t) + 64);
    if (!memory) return 1;
    char *rooms = memory + (64 - (uintptr_t)memory % 64) % 64;
    part_t *parts = (part_t *)(rooms + room_bytes * n_threads);
    int64_t at = 0, start = 0;
    for (int64_t row = 0; row < attention->n_rows; start += attention->lengths[row++])
        for (int64_t first = 0; first < attention->lengths[row]; first += QUERIES)
            parts[at++] = (part_t){start, attention->lengths[row], first};
    queue_t queue = {kinds[set], attention, parts, n_parts, rooms, room_bytes, openmp, 0};
    if (openmp && n_threads > 1) openmp->parallel(take_as_thread, &queue, n_threads, 0);
    else take_all(&queue, 0);
    free(memory);
    return 0;
}
