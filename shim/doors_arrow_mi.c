/* The arrow_mi door: the functions that libarrow >= 25 exports so that its mimalloc can be replaced.
 *
 * While the door is open every pointer comes from the pool, whose backend knows its own from those of the
 * allocator behind it. While it is shut the calls go to libarrow's own definitions. */
#include "next.h"
#include "router.h"

#define EXPORT __attribute__((visibility("default")))

EXPORT void *arrow_mi_malloc_aligned(size_t size, size_t alignment);
EXPORT void *arrow_mi_realloc_aligned(void *buffer, size_t size, size_t alignment);
EXPORT void arrow_mi_free(void *buffer);
EXPORT void arrow_mi_collect(bool force);

/* libarrow's own definition, looked up once; NULL cannot happen to a caller that linked against it. */
#define THEIRS(name)                                                                                         \
  ({                                                                                                         \
    static void *found;                                                                                      \
    if (!__atomic_load_n(&found, __ATOMIC_RELAXED))                                                          \
      __atomic_store_n(&found, next_symbol_of_caller(#name, __builtin_return_address(0)), __ATOMIC_RELAXED); \
    (__typeof__(&name))found;                                                                                \
  })

EXPORT void *arrow_mi_malloc_aligned(size_t size, size_t alignment) {
  const router_door *door = router_door_of(ROUTER_ARROW_MIMALLOC);
  return door ? router_allocate(door, size, alignment) : THEIRS(arrow_mi_malloc_aligned)(size, alignment);
}

EXPORT void *arrow_mi_realloc_aligned(void *buffer, size_t size, size_t alignment) {
  const router_door *door = router_door_of(ROUTER_ARROW_MIMALLOC);
  if (!door)
    return THEIRS(arrow_mi_realloc_aligned)(buffer, size, alignment);
  if (!buffer)
    return arrow_mi_malloc_aligned(size, alignment);
  return router_reallocate(door->pool, buffer, size, alignment);
}

EXPORT void arrow_mi_free(void *buffer) {
  const router_door *door = router_door_of(ROUTER_ARROW_MIMALLOC);
  if (!door)
    THEIRS(arrow_mi_free)(buffer);
  else
    pool_free(door->pool, buffer, POOL_SIZE_UNKNOWN, 0);
}

EXPORT void arrow_mi_collect(bool force) {
  const router_door *door = router_door_of(ROUTER_ARROW_MIMALLOC);
  if (!door)
    THEIRS(arrow_mi_collect)(force);
  else
    pool_get_config(door->pool)->backend->release_unused();
}
