/* What the two halves of probe_library share: the library that is loaded, and what is in a buffer. */
#ifndef PROBE_LIBRARY_H
#define PROBE_LIBRARY_H

#include "probe.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define MIB ((size_t)1 << 20)

typedef struct loaded_library {
  void *handle;
  void *(*malloc)(size_t);
  void *(*calloc)(size_t, size_t);
  void *(*realloc)(void *, size_t);
  void *(*reallocarray)(void *, size_t, size_t);
  int (*posix_memalign)(void **, size_t, size_t);
  void *(*aligned_alloc)(size_t, size_t);
  void *(*memalign)(size_t, size_t);
  size_t (*usable_size)(void *);
  void (*free)(void *);
  int (*chosen)(void);
} loaded_library;
extern loaded_library library;

static inline void fill(void *buffer, size_t size, unsigned seed) {
  for (size_t i = 0; i < size; i++)
    ((unsigned char *)buffer)[i] = (unsigned char)(i * 31 + seed);
}

static inline bool holds(const void *buffer, size_t size, unsigned seed) {
  for (size_t i = 0; i < size; i++)
    if (((const unsigned char *)buffer)[i] != (unsigned char)(i * 31 + seed))
      return false;
  return true;
}

static inline bool is_zero(const char *buffer, size_t size) {
  return size == 0 || (buffer[0] == 0 && memcmp(buffer, buffer + 1, size - 1) == 0);
}

/* They are in probe_library_threads.c, and return how many checks failed. */
int library_threads(int rounds);
int library_load_at_once(const char *file);
int library_fork(void);

#endif
