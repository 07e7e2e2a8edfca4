/* What libraries with pools of their own call in place of malloc and its kind (library_pools.h): a set of
 * functions for each pool, which knows it. free is not among them: it is ours for the whole process.
 *
 * What we do not serve, the allocator does that the library would have called. */
#include "shim/hooks/library.h"

#include "shim/hooks/answers.h"
#include "shim/library_pools.h"
#include "shim/next.h"

#include <stdlib.h>
#include <string.h>

#define MALLOC_ALIGNMENT _Alignof(max_align_t)
#define HOOK_INLINE      static inline __attribute__((always_inline))
#define HOOK_SLOW        static __attribute__((noinline))

/* Returns whether we answer, as hook_libc_allocate does. */
static bool hook_library_allocate(const router_hook *hook, size_t size, size_t alignment, void **out) {
  if (!hook->ours)
    return false;
  *out = router_allocate_slowly(hook, size, alignment);
  return *out || router_refuses(hook);
}

HOOK_SLOW void *malloc_slowly(const router_hook *hook, size_t size) {
  void *buffer;
  return hook_library_allocate(hook, size, MALLOC_ALIGNMENT, &buffer)
             ? answers_by_errno(buffer)
             : answers_passed_on(hook, malloc(size), size);
}

HOOK_INLINE void *hook_library_malloc(const router_hook *hook, size_t size) {
  void *buffer;
  return __builtin_expect(pool_quick_allocate_found(hook->pool, (int64_t)size, &buffer), 1)
             ? buffer
             : malloc_slowly(hook, size);
}

HOOK_SLOW void *calloc_slowly(const router_hook *hook, size_t count, size_t size) {
  size_t whole;
  void *buffer;
  bool fits = !__builtin_mul_overflow(count, size, &whole);
  if (!fits || !hook_library_allocate(hook, whole, MALLOC_ALIGNMENT, &buffer))
    return answers_passed_on(hook, calloc(count, size), fits ? whole : 0);
  if (buffer && guard_mode == ARROWPOOL_DEBUG_OFF)
    backend_jemalloc_zero(buffer, whole);
  else if (buffer)
    memset(buffer, 0, whole);
  return answers_by_errno(buffer);
}

HOOK_INLINE void *hook_library_calloc(const router_hook *hook, size_t count, size_t size) {
  size_t whole;
  void *buffer;
  if (__builtin_mul_overflow(count, size, &whole) ||
      __builtin_expect(!pool_quick_allocate_found(hook->pool, (int64_t)whole, &buffer), 0))
    return calloc_slowly(hook, count, size);
  return memset(buffer, 0, whole);
}

/* A buffer stays in the pool that it is from, whoever resizes it. */
HOOK_INLINE void *hook_library_realloc(const router_hook *hook, void *buffer, size_t size) {
  return buffer ? realloc(buffer, size) : hook_library_malloc(hook, size);
}

HOOK_INLINE void *hook_library_reallocarray(const router_hook *hook, void *buffer, size_t count,
                                            size_t size) {
  size_t whole;
  return buffer || __builtin_mul_overflow(count, size, &whole) ? reallocarray(buffer, count, size)
                                                               : hook_library_malloc(hook, whole);
}

/* Counts what the next allocator serves past the libc hook, which counts aligned calls by name. */
HOOK_SLOW int posix_memalign_slowly(const router_hook *hook, void **out, size_t alignment, size_t size) {
  void *buffer;
  if (answers_is_power_of_two(alignment) && alignment % sizeof(void *) == 0 &&
      hook_library_allocate(hook, size, alignment, &buffer)) {
    if (buffer)
      *out = buffer;
    return buffer ? 0 : ENOMEM;
  }
  int error = next.posix_memalign(out, alignment, size);
  if (!error)
    answers_passed_on(hook, *out, size);
  else if (error == ENOMEM && !hook->ours)
    pool_note_failed(hook->pool);
  return error;
}

HOOK_INLINE int hook_library_posix_memalign(const router_hook *hook, void **out, size_t alignment,
                                            size_t size) {
  bool quick = router_aligns(alignment) && alignment >= sizeof(void *) &&
               pool_quick_allocate_found(hook->pool, (int64_t)size, out);
  return __builtin_expect(quick, 1) ? 0 : posix_memalign_slowly(hook, out, alignment, size);
}

HOOK_SLOW void *hook_library_aligned_alloc(const router_hook *hook, size_t alignment, size_t size) {
  void *buffer;
  return answers_is_power_of_two(alignment) && hook_library_allocate(hook, size, alignment, &buffer)
             ? answers_by_errno(buffer)
             : answers_passed_on(hook, next.aligned_alloc(alignment, size), size);
}

HOOK_SLOW void *hook_library_memalign(const router_hook *hook, size_t alignment, size_t size) {
  void *buffer;
  return answers_is_power_of_two(alignment) && hook_library_allocate(hook, size, alignment, &buffer)
             ? answers_by_errno(buffer)
             : answers_passed_on(hook, next.memalign(alignment, size), size);
}

/* ---- a set for each pool ---- */

#define UNPACK(...) __VA_ARGS__

#define EACH_POOL(Y) Y(0) Y(1) Y(2) Y(3) Y(4) Y(5) Y(6) Y(7) Y(8) Y(9) Y(10) Y(11) Y(12) Y(13) Y(14) Y(15)

#define FUNCTION(pool, name, type, parameters, arguments)                                                    \
  static type library_##pool##_##name parameters {                                                           \
    return hook_library_##name(&library_pools[pool], UNPACK arguments);                                      \
  }
#define FUNCTIONS(pool)                                                                                      \
  FUNCTION(pool, malloc, void *, (size_t size), (size))                                                      \
  FUNCTION(pool, calloc, void *, (size_t count, size_t size), (count, size))                                 \
  FUNCTION(pool, realloc, void *, (void *buffer, size_t size), (buffer, size))                               \
  FUNCTION(pool, reallocarray, void *, (void *buffer, size_t count, size_t size), (buffer, count, size))     \
  FUNCTION(pool, posix_memalign, int, (void **out, size_t alignment, size_t size), (out, alignment, size))   \
  FUNCTION(pool, aligned_alloc, void *, (size_t alignment, size_t size), (alignment, size))                  \
  FUNCTION(pool, memalign, void *, (size_t alignment, size_t size), (alignment, size))
EACH_POOL(FUNCTIONS)

void hook_library_redirect(void) {
#define ENTRY(pool, name) [LIBRARY_CALL_##name] = (void *)library_##pool##_##name
#define ENTRIES(pool)                                                                                        \
  {ENTRY(pool, malloc),         ENTRY(pool, calloc),        ENTRY(pool, realloc), ENTRY(pool, reallocarray), \
   ENTRY(pool, posix_memalign), ENTRY(pool, aligned_alloc), ENTRY(pool, memalign)},
  static library_functions functions = {EACH_POOL(ENTRIES)};
  if (router_awake() && library_pools_wanted())
    library_pools_redirect(functions);
}
