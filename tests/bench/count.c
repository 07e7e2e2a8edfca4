/* What counting costs: a loop that counts an allocation and a free each round, less the same loop without.
 *
 *     bench_count WHAT THREADS     WHAT: shards, the library's own counters; atomics, one set of counters
 *                                  shared by all threads, as Arrow's pools keep them
 *
 * Counting and empty loops alternate and the fastest of each counts: the difference of two noisy figures is
 * noisier than either. Prints one line of JSON. Links the library's objects, since counters are no API. */
#include "counters/counters.h"
#include "measure.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PAIRS       4000000
#define ROUNDS      7
#define THREADS_MAX 8
#define HELD        64

static struct {
  _Alignas(64) _Atomic int64_t live;
  _Atomic int64_t total, allocations, peak;
} shared;

static void atomics_allocated(unsigned pool, int64_t size) {
  (void)pool;
  int64_t live = atomic_fetch_add(&shared.live, size) + size;
  atomic_fetch_add(&shared.total, size);
  atomic_fetch_add(&shared.allocations, 1);
  int64_t peak = atomic_load(&shared.peak);
  while (peak < live && !atomic_compare_exchange_weak(&shared.peak, &peak, live)) {
  }
}

static void atomics_freed(unsigned pool, int64_t size) {
  (void)pool;
  atomic_fetch_sub(&shared.live, size);
}

typedef void (*count_fn)(unsigned pool, int64_t size);

/* 64 bytes to 32 KiB; each round replaces one of the sizes that are held. */
static inline __attribute__((always_inline)) void loop(count_fn allocated, count_fn freed, uint64_t seed) {
  int64_t held[HELD];
  for (unsigned k = 0; k < HELD; k++) {
    held[k] = 64;
    if (allocated)
      allocated(0, 64);
  }
  uint64_t bits = seed;
  for (unsigned i = 0; i < PAIRS; i++) {
    bits ^= bits << 13;
    bits ^= bits >> 7;
    bits ^= bits << 17;
    unsigned k = bits % HELD;
    int64_t size = 64 + (int64_t)((bits >> 8) & 0x7fff), old = held[k];
    held[k] = size;
    if (allocated) {
      freed(0, old);
      allocated(0, size);
    }
    __asm__ volatile("" ::"r"(old), "r"(size), "r"(held) : "memory"); /* the empty loop does the rest too */
  }
  for (unsigned k = 0; k < HELD && freed; k++)
    freed(0, held[k]);
}

static pthread_barrier_t barrier;

#define LOOP(name, allocated, freed)                                                                         \
  static void *name(void *seed) {                                                                            \
    pthread_barrier_wait(&barrier);                                                                          \
    loop(allocated, freed, UINT64_C(88172645463325252) ^ (uintptr_t)seed * 977);                             \
    return NULL;                                                                                             \
  }
LOOP(loop_empty, NULL, NULL)
LOOP(loop_shards, counters_allocated, counters_freed)
LOOP(loop_atomics, atomics_allocated, atomics_freed)

static double run(void *(*body)(void *), unsigned threads) {
  pthread_t ids[THREADS_MAX];
  pthread_barrier_init(&barrier, NULL, threads + 1);
  for (unsigned i = 0; i < threads; i++)
    if (pthread_create(&ids[i], NULL, body, (void *)(uintptr_t)(i + 1)))
      abort();
    else
      measure_keep_to_processor(ids[i], i);
  pthread_barrier_wait(&barrier);
  int64_t start = measure_now();
  for (unsigned i = 0; i < threads; i++)
    pthread_join(ids[i], NULL);
  double ns_per_pair = (double)(measure_now() - start) / PAIRS;
  pthread_barrier_destroy(&barrier);
  return ns_per_pair;
}

int main(int argc, char **argv) {
  bool atomics = argc == 3 && !strcmp(argv[1], "atomics");
  unsigned threads = argc == 3 ? (unsigned)atoi(argv[2]) : 0;
  if ((!atomics && (argc != 3 || strcmp(argv[1], "shards"))) || threads < 1 || threads > THREADS_MAX) {
    fputs("usage: bench_count shards|atomics THREADS\n", stderr);
    return 2;
  }
  double empty = 1e9, counted = 1e9;
  for (unsigned round = 0; round < ROUNDS; round++) {
    double e = run(loop_empty, threads), c = run(atomics ? loop_atomics : loop_shards, threads);
    empty = e < empty ? e : empty;
    counted = c < counted ? c : counted;
  }
  arrowpool_stats sum;
  counters_read(0, &sum);
  int64_t pairs = ((int64_t)PAIRS + HELD) * ROUNDS * threads;
  bool right =
      atomics ? !shared.live && shared.allocations == pairs : !sum.bytes_allocated && sum.num_frees == pairs;
  char name[32];
  snprintf(name, sizeof name, "count-%u", threads);
  measure_record("ns_per_pair", counted - empty);
  measure_record("ns_empty", empty);
  measure_print(atomics ? "arrow-atomics" : "arrowpool", name, right);
  return right ? 0 : 1;
}
