/* A program at its limit (ARROW_POOL_LIMIT of 8 MiB), by libc's functions: what is refused says ENOMEM and
 * leaves everything as it was, and what is freed can be had again.
 *
 *   probe_limit edge      one thread goes to the limit and back
 *   probe_limit threads   16 threads at the edge, which check among themselves that it holds */
#include "probe.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#define LIMIT   ((size_t)8 << 20)
#define THREADS 16

static int filled_with(const unsigned char *buffer, size_t size, unsigned char value) {
  for (size_t i = 0; i < size; i += 61)
    if (buffer[i] != value)
      return 0;
  return !size || buffer[size - 1] == value;
}

static void edge(void) {
  void *none = (void *)7, *half = NULL;
  CHECK(posix_memalign(&half, 64, LIMIT / 2) == 0, "half");
  memset(half, 0xa5, LIMIT / 2);
  errno = 0;
  CHECK(posix_memalign(&none, 64, LIMIT / 2 + 1) == ENOMEM && none == (void *)7 && errno == 0, "%p, errno %d",
        none, errno);
  CHECK(!aligned_alloc(64, LIMIT / 2 + 64) && errno == ENOMEM, "errno %d", errno);
  errno = 0;
  CHECK(!realloc(hide(half), LIMIT + 1) && errno == ENOMEM, "errno %d", errno);
  CHECK(filled_with(half, LIMIT / 2, 0xa5), "the buffer that could not grow");
  void *grown = realloc(hide(half), LIMIT);
  CHECK(grown && filled_with(grown, LIMIT / 2, 0xa5), "to the limit, %p", grown);
  CHECK(!aligned_alloc(64, 64), "64 more");
  void *ordinary = malloc(LIMIT); /* none of ours: malloc has no limit */
  CHECK(ordinary, "malloc");
  free(ordinary);
  free(grown);
  CHECK((grown = aligned_alloc(64, LIMIT)) != NULL, "all of it again");
  free(grown);
}

static _Atomic size_t held, refused;

static void *at_the_edge(void *index) {
  unsigned seed = (unsigned)(uintptr_t)index * 7919 + 1;
  unsigned char *own[6] = {NULL}, tag = (unsigned char)(uintptr_t)index;
  size_t sizes[6] = {0};
  for (int step = 0; step < 3000; step++) {
    int i = rand_r(&seed) % 6;
    size_t size = 1 + (size_t)rand_r(&seed) % (400 << 10), before = sizes[i];
    if (!own[i]) {
      void *fresh;
      if (posix_memalign(&fresh, 64, size)) {
        atomic_fetch_add(&refused, 1);
        continue;
      }
      own[i] = fresh;
      size_t all = atomic_fetch_add(&held, size) + size;
      CHECK(all <= LIMIT, "%zu", all);
    } else if (step % 3) {
      if (size < before)
        atomic_fetch_sub(&held, before - size);
      unsigned char *resized = realloc(own[i], size);
      if (!resized) {
        CHECK(size > before && filled_with(own[i], before, tag), "%zu to %zu", before, size);
        atomic_fetch_add(&refused, 1);
        continue;
      }
      own[i] = resized;
      size_t all = size > before ? atomic_fetch_add(&held, size - before) + size - before : 0;
      CHECK(all <= LIMIT, "%zu", all);
      CHECK(filled_with(own[i], size < before ? size : before, tag), "%zu to %zu", before, size);
    } else {
      CHECK(filled_with(own[i], before, tag), "%zu", before);
      atomic_fetch_sub(&held, before);
      free(own[i]);
      own[i] = NULL;
      continue;
    }
    sizes[i] = size;
    memset(own[i], tag, size);
  }
  for (int i = 0; i < 6; i++)
    if (own[i]) {
      atomic_fetch_sub(&held, sizes[i]);
      free(own[i]);
    }
  return NULL;
}

static void threads(void) {
  pthread_t all[THREADS];
  for (int i = 0; i < THREADS; i++)
    CHECK(!pthread_create(&all[i], NULL, at_the_edge, (void *)(uintptr_t)(i + 1)), "%d", i);
  for (int i = 0; i < THREADS; i++)
    pthread_join(all[i], NULL);
  CHECK(atomic_load(&refused) > 0, "nothing was refused");
  printf("%zu\n", atomic_load(&refused));
}

int main(int argc, char **argv) {
  if (argc == 2 && strcmp(argv[1], "edge") == 0)
    edge();
  else if (argc == 2 && strcmp(argv[1], "threads") == 0)
    threads();
  else
    return 2;
  return probe_failures != 0;
}
