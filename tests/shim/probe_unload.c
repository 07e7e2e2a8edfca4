/* Load the pool library and close it again, 100 times: probe_unload LIBRARY. Each time with buffers that live
 * on, and with a thread that used the library and ends after it was closed. Fails unless the process is as
 * small at the end as after the first 10 rounds. */
#include "probe.h"

#include <dlfcn.h>
#include <malloc.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "arrowpool.h"

static pthread_barrier_t used, closed;

static arrowpool_status (*allocate)(arrowpool_pool *, int64_t, int64_t, uint8_t **);
static arrowpool_status (*reallocate)(arrowpool_pool *, int64_t, int64_t, int64_t, uint8_t **);
static void (*release)(arrowpool_pool *, uint8_t *, int64_t, int64_t);
static arrowpool_pool *(*jemalloc_pool)(void);

static void find(void *library) {
  *(void **)&allocate = dlsym(library, "arrowpool_allocate");
  *(void **)&reallocate = dlsym(library, "arrowpool_reallocate");
  *(void **)&release = dlsym(library, "arrowpool_free");
  *(void **)&jemalloc_pool = dlsym(library, "arrowpool_jemalloc");
  if (!allocate || !reallocate || !release || !jemalloc_pool)
    abort();
}

static uint8_t *make(int64_t size) {
  uint8_t *buffer;
  if (allocate(jemalloc_pool(), size, 64, &buffer) ||
      reallocate(jemalloc_pool(), size, 3 * size, 64, &buffer))
    abort();
  return memset(buffer, 5, (size_t)(3 * size));
}

static void *body(void *unused) {
  uint8_t *buffer = make(100000);
  release(jemalloc_pool(), make(1000), 3000, 64);
  pthread_barrier_wait(&used);
  pthread_barrier_wait(&closed); /* what the library left with the thread is cleaned up after this */
  CHECK(buffer[299999] == 5, "the library's memory is gone");
  release(jemalloc_pool(), buffer, 300000, 64);
  return unused;
}

static long mapped(void) {
  long pages = 0;
  FILE *statm = fopen("/proc/self/statm", "re");
  if (!statm || fscanf(statm, "%ld", &pages) != 1)
    abort();
  fclose(statm);
  return pages;
}

int main(int argc, char **argv) {
  uint8_t *kept = NULL;
  long early = 0;
  mallopt(M_ARENA_MAX, 1); /* each other one would be 64 MiB, for a thread that comes late */
  pthread_barrier_init(&used, NULL, 2);
  pthread_barrier_init(&closed, NULL, 2);
  for (int i = 0; i < 100 && argc > 1; i++) {
    pthread_t thread;
    void *library = dlopen(argv[1], RTLD_NOW | RTLD_LOCAL);
    CHECK(library, "%s", dlerror());
    if (!library)
      return 1;
    find(library);
    if (pthread_create(&thread, NULL, body, NULL))
      abort();
    pthread_barrier_wait(&used);
    if (!kept)
      kept = make(5000);
    CHECK(dlclose(library) == 0, "%s", dlerror());
    pthread_barrier_wait(&closed);
    pthread_join(thread, NULL);
    CHECK(kept[14999] == 5, "round %d", i);
    if (i % 2) {
      release(jemalloc_pool(), kept, 15000, 64);
      kept = NULL;
    }
    if (i == 9)
      early = mapped();
  }
  CHECK(early && mapped() < early + 256, "%ld pages of addresses, then %ld", early, mapped());
  return probe_failures != 0;
}
