/* The arrow_mi hook: the functions that libarrow >= 25 exports so that its mimalloc can be replaced.
 *
 * While the hook is open every pointer comes from the pool, whose backend knows its own from those of the
 * allocator behind it. While it is shut the calls go to libarrow's own definitions. Where Arrow's pools are
 * patched too, ownership.h tells what came by here from what is theirs. */
#include "shim/ownership.h"
#include "shim/router.h"
#include "shim/symbol_cache.h"

#define EXPORT __attribute__((visibility("default")))

EXPORT void *arrow_mi_malloc_aligned(size_t size, size_t alignment);
EXPORT void *arrow_mi_realloc_aligned(void *buffer, size_t size, size_t alignment);
EXPORT void arrow_mi_free(void *buffer);
EXPORT void arrow_mi_collect(bool force);

/* libarrow's own definition. It is never NULL for a caller that linked against libarrow. */
#define THEIRS(name) ((__typeof__(&name))symbol_cache_look_up(#name, __builtin_return_address(0)))

static void *enter(void *buffer) {
  if (buffer && router_vtable_hook() && range_owns(buffer))
    ownership_add(buffer);
  return buffer;
}

static void strike(const void *buffer) {
  if (ownership_has(buffer))
    ownership_remove(buffer);
}

EXPORT void *arrow_mi_malloc_aligned(size_t size, size_t alignment) {
  const router_hook *hook = router_hook_of(ROUTER_ARROW_MIMALLOC);
  return hook ? enter(router_allocate(hook, size, alignment))
              : THEIRS(arrow_mi_malloc_aligned)(size, alignment);
}

EXPORT void *arrow_mi_realloc_aligned(void *buffer, size_t size, size_t alignment) {
  const router_hook *hook = router_hook_of(ROUTER_ARROW_MIMALLOC);
  if (!hook)
    return THEIRS(arrow_mi_realloc_aligned)(buffer, size, alignment);
  if (!buffer)
    return arrow_mi_malloc_aligned(size, alignment);
  strike(buffer); /* once it moved, the address is anybody's */
  void *resized = router_reallocate(hook->pool, buffer, size, alignment);
  enter(resized ? resized : buffer);
  return resized;
}

EXPORT void arrow_mi_free(void *buffer) {
  const router_hook *hook = router_hook_of(ROUTER_ARROW_MIMALLOC);
  if (!hook) {
    THEIRS(arrow_mi_free)(buffer);
    return;
  }
  strike(buffer);
  router_free(hook->pool, buffer);
}

EXPORT void arrow_mi_collect(bool force) {
  const router_hook *hook = router_hook_of(ROUTER_ARROW_MIMALLOC);
  if (!hook)
    THEIRS(arrow_mi_collect)(force);
  else
    pool_get_config(hook->pool)->backend->release_unused();
}
