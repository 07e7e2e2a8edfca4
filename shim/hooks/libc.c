/* The libc hook: the aligned allocation functions, and all that may receive one of their pointers. malloc and
 * calloc stay the program's own, but where a library has a pool of its own (library.c).
 *
 * Our pointers are told by their address; any other passes on untouched, and so does every argument that the
 * C library would refuse: its own answer is the right one. */
#include "shim/hooks/answers.h"
#include "shim/next.h"
#include "shim/router.h"

#include <errno.h>
#include <malloc.h>
#include <stdlib.h>
#include <sys/auxv.h>

#define EXPORT __attribute__((visibility("default")))

/* Returns whether we answer: with a buffer, or with NULL where a limit refuses it. If not, the next allocator
 * has to answer. */
static bool hook_libc_allocate(const router_hook *hook, size_t size, size_t alignment, void **out) {
  if (!hook || !hook->ours || !answers_is_power_of_two(alignment))
    return false;
  *out = router_allocate(hook, size, alignment);
  return *out || router_refuses(hook);
}

/* Serves a small block, without a call of anything. Returns false where the long way has to be gone. */
static inline __attribute__((always_inline)) bool hook_libc_quick(size_t size, size_t alignment,
                                                                  pool_quick_pointer *out) {
  const router_hook *hook = &the_router.hooks[ROUTER_LIBC];
  bool open = atomic_load_explicit(&the_router.state, memory_order_acquire) == 2 && hook->active;
  return __builtin_expect(open && router_aligns(alignment), 1) &&
         pool_quick_allocate_noted(hook->pool, (int64_t)size, out);
}

static __attribute__((noinline)) int posix_memalign_slowly(void **out, size_t alignment, size_t size) {
  const router_hook *hook = thread_own_data.own_call_passes ? NULL : router_hook_of(ROUTER_LIBC);
  void *buffer;
  if (alignment % sizeof(void *) == 0 && hook_libc_allocate(hook, size, alignment, &buffer)) {
    if (buffer)
      *out = buffer;
    return buffer ? 0 : ENOMEM;
  }
  int error = next.posix_memalign(out, alignment, size);
  if (!error)
    answers_passed_on(hook, *out, size);
  else if (error == ENOMEM && hook && !hook->ours)
    pool_note_failed(hook->pool);
  return error;
}

EXPORT int posix_memalign(void **out, size_t alignment, size_t size) {
  bool may = alignment >= sizeof(void *) && !thread_own_data.own_call_passes;
  return __builtin_expect(may && hook_libc_quick(size, alignment, out), 1)
             ? 0
             : posix_memalign_slowly(out, alignment, size);
}

static __attribute__((noinline)) void *aligned_alloc_slowly(size_t alignment, size_t size) {
  const router_hook *hook = router_hook_of(ROUTER_LIBC);
  void *buffer;
  return hook_libc_allocate(hook, size, alignment, &buffer)
             ? answers_by_errno(buffer)
             : answers_passed_on(hook, next.aligned_alloc(alignment, size), size);
}

EXPORT void *aligned_alloc(size_t alignment, size_t size) {
  void *buffer;
  return hook_libc_quick(size, alignment, &buffer) ? buffer : aligned_alloc_slowly(alignment, size);
}

EXPORT void *memalign(size_t alignment, size_t size) {
  const router_hook *hook = router_hook_of(ROUTER_LIBC);
  void *buffer;
  return hook_libc_allocate(hook, size, alignment, &buffer)
             ? answers_by_errno(buffer)
             : answers_passed_on(hook, next.memalign(alignment, size), size);
}

EXPORT void *valloc(size_t size) {
  const router_hook *hook = router_hook_of(ROUTER_LIBC);
  void *buffer;
  return hook_libc_allocate(hook, size, (size_t)getauxval(AT_PAGESZ), &buffer)
             ? answers_by_errno(buffer)
             : answers_passed_on(hook, next.valloc(size), size);
}

EXPORT void *pvalloc(size_t size) {
  const router_hook *hook = router_hook_of(ROUTER_LIBC);
  size_t page = (size_t)getauxval(AT_PAGESZ), whole;
  bool fits = !__builtin_add_overflow(size, page - 1, &whole);
  void *buffer;
  return fits && hook_libc_allocate(hook, whole & ~(page - 1), page, &buffer)
             ? answers_by_errno(buffer)
             : answers_passed_on(hook, next.pvalloc(size), size);
}

static __attribute__((noinline)) void free_of_any_pool(void *buffer) {
  if (pool_quick_free_found(buffer))
    return;
  arrowpool_pool *pool = router_pool_of(buffer);
  if (pool == router_libc_pool())
    router_free(pool, buffer);
  else
    pool_free(pool, buffer, POOL_SIZE_UNKNOWN, 0);
}

static __attribute__((noinline)) void free_ours(void *buffer) {
  if (__builtin_expect(the_router.finds_pools, 0))
    free_of_any_pool(buffer);
  else
    router_free(router_libc_pool(), buffer);
}

EXPORT void free(void *buffer) {
  if (router_owns(buffer))
    free_ours(buffer);
  else
    next.free(buffer);
}

static void *reallocate_ours(void *buffer, size_t size) {
  if (size == 0) { /* glibc does so, too */
    free(buffer);
    return NULL;
  }
  return answers_by_errno(router_reallocate(router_pool_of(buffer), buffer, size, 0));
}

EXPORT void *realloc(void *buffer, size_t size) {
  return router_owns(buffer) ? reallocate_ours(buffer, size) : next.realloc(buffer, size);
}

EXPORT void *reallocarray(void *buffer, size_t count, size_t size) {
  size_t whole;
  if (!router_owns(buffer))
    return next.reallocarray(buffer, count, size);
  if (__builtin_mul_overflow(count, size, &whole)) {
    errno = ENOMEM;
    return NULL;
  }
  return reallocate_ours(buffer, whole);
}

EXPORT size_t malloc_usable_size(void *buffer) {
  return router_owns(buffer) ? guard_jemalloc.usable_size(buffer) : next.malloc_usable_size(buffer);
}
