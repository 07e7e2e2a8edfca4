/* Has a test of malloc's family ask for aligned memory instead, which is what the shim serves. */
#include <malloc.h>
#include <stdlib.h>
#include <string.h>

static inline void *aligned_malloc(size_t size) { return memalign(64, size); }

static inline void *aligned_calloc(size_t count, size_t size) {
  size_t whole;
  void *memory = __builtin_mul_overflow(count, size, &whole) ? NULL : memalign(64, whole);
  return memory ? memset(memory, 0, whole) : NULL;
}

#define malloc(size)        aligned_malloc(size)
#define calloc(count, size) aligned_calloc(count, size)
