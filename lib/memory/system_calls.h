/* The allocator that stands behind us, as libc's functions. libarrowpool.so links the process's own
 * functions, the shim those that follow it in the chain. */
#ifndef ARROWPOOL_MEMORY_SYSTEM_CALLS_H
#define ARROWPOOL_MEMORY_SYSTEM_CALLS_H

#include <stdbool.h>
#include <stddef.h>

typedef struct system_calls {
  int (*posix_memalign)(void **out, size_t alignment, size_t size);
  void *(*realloc)(void *buffer, size_t size);
  void (*free)(void *buffer);
  size_t (*malloc_usable_size)(void *buffer);
  int (*malloc_trim)(size_t pad);
} system_calls;

extern const system_calls system_allocator;

/* Whether it is glibc's own, which moves the pages of a block that it has mapped by itself. It is set while
 * the library starts; false where that is not known. */
extern bool system_moves_pages;

#endif
