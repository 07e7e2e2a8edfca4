/* The allocators that are compared, all behind one table of functions.
 *
 * A peer is opened with dlopen and RTLD_LOCAL, so that it serves nothing but what a case asks of it and the
 * rest of the process stays as it is. Buffers are aligned to 64 bytes, except glibc's, whose realloc knows no
 * alignment. The functions may be called by several threads, except those of the limit. */
#ifndef BENCH_ALLOCATORS_H
#define BENCH_ALLOCATORS_H

#include <stdbool.h>
#include <stddef.h>

typedef struct allocator {
  const char *name;
  const char *library;           /* what to dlopen; NULL: linked */
  const char *environment[2][2]; /* name and value: variables that must be set before the process starts */
  bool (*open)(void *library);   /* finds what is called; NULL: nothing to find */
  void *(*allocate)(size_t size);
  void *(*reallocate)(void *buffer, size_t old_size, size_t new_size);
  void (*release)(void *buffer, size_t size);
  /* Only the limit, which must be told how many buffers of which final size are coming. */
  bool (*prepare)(size_t size, unsigned buffers);
} allocator;

extern const allocator allocators[];
extern const unsigned allocators_count;

/* NULL: no such name. */
const allocator *allocators_find(const char *name);

/* False, with a line on stderr: the peer is not installed. */
bool allocators_open(const allocator *chosen);

/* limit.c: buffers that have their final size from the start, on huge pages or on pages of 4 KiB. */
bool limit_prepare_huge(size_t size, unsigned buffers);
bool limit_prepare_small(size_t size, unsigned buffers);
void *limit_allocate(size_t size);
void *limit_reallocate(void *buffer, size_t old_size, size_t new_size);
void limit_release(void *buffer, size_t size);

#endif
