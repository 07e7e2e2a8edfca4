/* What the probe programs share: a check that reports and goes on, and a barrier for the optimizer.
 * A probe's exit status is 0 when every check held. */
#ifndef PROBE_H
#define PROBE_H

#include <stdint.h>
#include <stdio.h>

static __attribute__((unused)) int probe_failures;

#define CHECK(condition, ...)                                                                                \
  do {                                                                                                       \
    if (!(condition)) {                                                                                      \
      probe_failures++;                                                                                      \
      fprintf(stderr, "%s:%d: %s: ", __FILE__, __LINE__, #condition);                                        \
      fprintf(stderr, __VA_ARGS__);                                                                          \
      fputc('\n', stderr);                                                                                   \
    }                                                                                                        \
  } while (0)

/* The compiler forgets what it knew of the pointer. */
static inline void *hide(void *pointer) {
  __asm__ volatile("" : "+r"(pointer) : : "memory");
  return pointer;
}

static inline size_t hide_size(size_t size) {
  __asm__ volatile("" : "+r"(size));
  return size;
}

static inline int is_aligned(const void *pointer, size_t alignment) {
  return ((uintptr_t)pointer & (alignment - 1)) == 0;
}

#endif
