/* Aligned memory in threads and at the ends of threads and of the process: freed by another thread, by a
 * key's destructor, by atexit handlers and destructors, one of them (probe_late.c) after the shim's own.
 * A check that fails while the process ends turns its status by _exit. */
#include "probe.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void probe_late_keep(void *small, void *large); /* probe_late.c */

#define SMALL ((size_t)300)
#define LARGE ((size_t)300000)

static void *make(size_t size) {
  void *buffer = NULL;
  if (posix_memalign(&buffer, 64, size))
    abort();
  return memset(buffer, 0x5a, size);
}

static void check_bytes(const void *buffer, size_t size) {
  const unsigned char *bytes = buffer;
  for (size_t i = 0; i < size; i++)
    if (bytes[i] != 0x5a) {
      fprintf(stderr, "byte %zu of %zu changed\n", i, size);
      _exit(1);
    }
}

static void check_and_free(void *buffer, size_t size) {
  check_bytes(buffer, size);
  free(buffer);
}

/* Several rounds: glibc calls the destructors again while keys are set, the last one after every library
 * had its turn. */
static pthread_key_t key;
static void key_destructor(void *rounds) {
  void *small = make(SMALL), *large = make(LARGE);
  large = realloc(large, 2 * LARGE);
  check_and_free(small, SMALL);
  check_and_free(large, LARGE);
  if ((intptr_t)rounds > 1)
    pthread_setspecific(key, (void *)((intptr_t)rounds - 1));
}

static void *thread_body(void *buffers) {
  void **pair = buffers;
  check_and_free(pair[0], SMALL);
  check_and_free(pair[1], LARGE);
  pair[0] = make(SMALL);
  pair[1] = make(LARGE);
  pthread_setspecific(key, (void *)(intptr_t)4); /* PTHREAD_DESTRUCTOR_ITERATIONS */
  return NULL;
}

static void check_threads(void) {
  if (pthread_key_create(&key, key_destructor))
    abort();
  for (int i = 0; i < 50; i++) {
    pthread_t thread;
    void *pair[2] = {make(SMALL), make(LARGE)};
    if (pthread_create(&thread, NULL, thread_body, pair))
      abort();
    pthread_join(thread, NULL);
    check_and_free(pair[0], SMALL);
    check_and_free(pair[1], LARGE);
  }
}

static void *kept[6];

static void in_atexit(void) {
  check_and_free(kept[0], SMALL);
  check_and_free(kept[1], LARGE);
  kept[0] = make(SMALL);
  check_and_free(kept[0], SMALL);
}

__attribute__((constructor)) static void before_main(void) {
  kept[2] = make(SMALL);
  kept[3] = realloc(make(LARGE), LARGE + 100000);
}

__attribute__((destructor)) static void after_main(void) {
  check_and_free(kept[2], SMALL);
  check_and_free(kept[3], LARGE);
}

int main(void) {
  check_threads();
  kept[0] = make(SMALL);
  kept[1] = make(LARGE);
  atexit(in_atexit);
  probe_late_keep(make(SMALL), make(LARGE));
  return probe_failures != 0;
}
