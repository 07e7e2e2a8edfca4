/* Small buffers: the speed of replacing them, alone and with other threads, and what many of them cost in
 * page tables and resident memory. */
#include "cases.h"
#include "measure.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#define LIVE        2048
#define PAIRS       2000000
#define THREADS_MAX 8

typedef struct worker {
  const allocator *a;
  pthread_barrier_t *start;
  uint64_t seed;
  bool right;
} worker;

static uint64_t next_random(uint64_t *state) {
  *state ^= *state << 13;
  *state ^= *state >> 7;
  *state ^= *state << 17;
  return *state;
}

/* 64 bytes to 32 KiB, every power of two as likely as the next. */
static size_t random_size(uint64_t bits) {
  size_t power = (size_t)64 << (bits >> 20) % 9;
  return power + ((bits >> 32) & (power - 1));
}

static void *churn(void *argument) {
  worker *w = argument;
  struct {
    char *buffer;
    size_t size;
  } live[LIVE] = {{0}};
  w->right = true;
  pthread_barrier_wait(w->start);
  for (unsigned i = 0; i < PAIRS; i++) {
    uint64_t bits = next_random(&w->seed);
    unsigned k = (unsigned)(bits % LIVE);
    if (live[k].buffer) {
      w->right = *live[k].buffer == (char)live[k].size && w->right;
      w->a->release(live[k].buffer, live[k].size);
    }
    live[k].size = random_size(bits);
    live[k].buffer = cases_allocate(w->a, live[k].size);
    *live[k].buffer = (char)live[k].size;
  }
  for (unsigned k = 0; k < LIVE; k++)
    if (live[k].buffer)
      w->a->release(live[k].buffer, live[k].size);
  return NULL;
}

bool churn_run(const bench_case *self, const allocator *a) {
  pthread_t threads[THREADS_MAX];
  worker workers[THREADS_MAX];
  pthread_barrier_t barrier;
  cases_start(a);
  double base = measure_mib("VmHWM");
  pthread_barrier_init(&barrier, NULL, self->buffers + 1);
  for (unsigned i = 0; i < self->buffers; i++) {
    workers[i] = (worker){.a = a, .start = &barrier, .seed = UINT64_C(88172645463325252) + i * 7919};
    if (pthread_create(&threads[i], NULL, churn, &workers[i]))
      abort();
    measure_keep_to_processor(threads[i], i);
  }
  pthread_barrier_wait(&barrier);
  int64_t start = measure_now();
  bool right = true;
  for (unsigned i = 0; i < self->buffers; i++) {
    pthread_join(threads[i], NULL);
    right = workers[i].right && right;
  }
  int64_t total = measure_now() - start;
  measure_record("total_ms", (double)total / 1e6);
  measure_record("ns_per_pair", (double)total / PAIRS);
  measure_record("peak_mib", measure_mib("VmHWM"));
  measure_record("peak_over_base_mib", measure_mib("VmHWM") - base);
  return right;
}

bool many_run(const bench_case *self, const allocator *a) {
  cases_start(a);
  unsigned count = self->buffers;
  char **buffers = malloc(count * sizeof *buffers);
  if (!buffers)
    abort();
  memset(buffers, 0, count * sizeof *buffers);
  double base = measure_mib("VmHWM"), tables = measure_mib("VmPTE");

  int64_t start = measure_now();
  for (unsigned i = 0; i < count; i++) {
    buffers[i] = cases_allocate(a, self->to);
    memset(buffers[i], (int)i, self->to);
  }
  int64_t filled = measure_now() - start;
  measure_record("total_ms", (double)filled / 1e6);
  measure_record("us_per_buffer", (double)filled / 1e3 / count);
  measure_record("pte_mib", measure_mib("VmPTE") - tables);
  measure_record("live_mib", (double)count * (double)self->to / 1048576);
  measure_record("rss_mib", measure_mib("VmRSS") - base);
  measure_record("peak_over_base_mib", measure_mib("VmHWM") - base);

  bool right = true;
  for (unsigned i = 0; i < count; i++)
    right = buffers[i][0] == (char)i && buffers[i][self->to - 1] == (char)i && right;
  start = measure_now();
  for (unsigned i = 0; i < count; i++)
    a->release(buffers[i], self->to);
  measure_record("free_us_per_buffer", (double)(measure_now() - start) / 1e3 / count);
  free(buffers);
  return right;
}
