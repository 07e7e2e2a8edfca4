/* The allocator that stands behind us, as libc's functions. libarrowpool.so links the process's own
 * functions, the shim those that follow it in the chain. */
#ifndef ARROWPOOL_MEMORY_SYSTEM_CALLS_H
#define ARROWPOOL_MEMORY_SYSTEM_CALLS_H

#include <stddef.h>

typedef struct system_calls {
  int (*posix_memalign)(void **out, size_t alignment, size_t size);
  void *(*realloc)(void *buffer, size_t size);
  void (*free)(void *buffer);
  size_t (*malloc_usable_size)(void *buffer);
  int (*malloc_trim)(size_t pad);
} system_calls;

extern const system_calls system_allocator;

#endif
