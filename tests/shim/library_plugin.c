/* A library that has a pool of its own under the shim. Each function of malloc's kind it calls by an entry of
 * its own; the build has it bound as it calls, at once, and without a procedure linkage table.
 *
 * Its constructor starts a thread that allocates until the library goes, if LIBRARY_THREAD is set. */
#include <malloc.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define EXPORT __attribute__((visibility("default")))

/* X(name, type, parameters, arguments) */
#define CALLS(X)                                                                                             \
  X(malloc, void *, (size_t size), (size))                                                                   \
  X(calloc, void *, (size_t count, size_t size), (count, size))                                              \
  X(realloc, void *, (void *buffer, size_t size), (buffer, size))                                            \
  X(reallocarray, void *, (void *buffer, size_t count, size_t size), (buffer, count, size))                  \
  X(posix_memalign, int, (void **out, size_t alignment, size_t size), (out, alignment, size))                \
  X(aligned_alloc, void *, (size_t alignment, size_t size), (alignment, size))                               \
  X(memalign, void *, (size_t alignment, size_t size), (alignment, size))                                    \
  X(malloc_usable_size, size_t, (void *buffer), (buffer))

#define X(name, type, parameters, arguments)                                                                 \
  EXPORT type library_##name parameters;                                                                     \
  EXPORT type library_##name parameters { return name arguments; }
CALLS(X)
#undef X

EXPORT void library_free(void *buffer);
EXPORT void library_free(void *buffer) { free(buffer); }

/* ---- a function that a resolver chooses, whose entry has no name ---- */

EXPORT int library_chosen(void);
static int one(void) { return 1; }
static int (*choose(void))(void) { return one; }
static int chosen(void) __attribute__((ifunc("choose")));
EXPORT int library_chosen(void) { return chosen(); }

/* ---- a thread that is there before anybody else knows of the library ---- */

static pthread_t thread;
static atomic_bool over, damaged;
static bool started;

static void *allocate_all_the_time(void *unused) {
  (void)unused;
  char *kept[64] = {0};
  for (unsigned i = 0; !over; i++) {
    char **at = &kept[i * 7 % 64];
    size_t size = 1 + i * 977 % 20000;
    if (*at && **at != (char)(i * 7 % 64))
      damaged = true;
    *at = i % 3 ? realloc(*at, size) : (free(*at), calloc(size, 1));
    **at = (char)(i * 7 % 64);
  }
  for (int i = 0; i < 64; i++)
    free(kept[i]);
  return NULL;
}

__attribute__((constructor)) static void begin(void) {
  started = getenv("LIBRARY_THREAD") && pthread_create(&thread, NULL, allocate_all_the_time, NULL) == 0;
}

__attribute__((destructor)) static void end(void) {
  over = true;
  if (started)
    pthread_join(thread, NULL);
  if (damaged)
    abort();
}
