/* The arrow_mi door: the functions that libarrow >= 25 exports so that its mimalloc can be replaced.
 *
 * While the door is open every pointer comes from the pool, whose backend knows its own from those of the
 * allocator behind it. While it is shut the calls go to libarrow's own definitions. Where Arrow's pools are
 * patched too, the ledger tells what came by here from what is theirs. */
#include "shim/ownership.h"
#include "shim/router.h"
#include "shim/symbol_cache.h"

#define EXPORT __attribute__((visibility("default")))

EXPORT void *arrow_mi_malloc_aligned(size_t size, size_t alignment);
EXPORT void *arrow_mi_realloc_aligned(void *buffer, size_t size, size_t alignment);
EXPORT void arrow_mi_free(void *buffer);
EXPORT void arrow_mi_collect(bool force);

/* libarrow's own definition; NULL cannot happen to a caller that linked against it. */
#define THEIRS(name) ((__typeof__(&name))callers_symbol(#name, __builtin_return_address(0)))

static void *enter(void *buffer) {
  if (buffer && router_vtable_door() && range_owns(buffer))
    ledger_enter(buffer);
  return buffer;
}

static void strike(const void *buffer) {
  if (ledger_has(buffer))
    ledger_strike(buffer);
}

EXPORT void *arrow_mi_malloc_aligned(size_t size, size_t alignment) {
  const router_door *door = router_door_of(ROUTER_ARROW_MIMALLOC);
  return door ? enter(router_allocate(door, size, alignment))
              : THEIRS(arrow_mi_malloc_aligned)(size, alignment);
}

EXPORT void *arrow_mi_realloc_aligned(void *buffer, size_t size, size_t alignment) {
  const router_door *door = router_door_of(ROUTER_ARROW_MIMALLOC);
  if (!door)
    return THEIRS(arrow_mi_realloc_aligned)(buffer, size, alignment);
  if (!buffer)
    return arrow_mi_malloc_aligned(size, alignment);
  strike(buffer); /* once it moved, the address is anybody's */
  void *resized = router_reallocate(door->pool, buffer, size, alignment);
  enter(resized ? resized : buffer);
  return resized;
}

EXPORT void arrow_mi_free(void *buffer) {
  const router_door *door = router_door_of(ROUTER_ARROW_MIMALLOC);
  if (!door) {
    THEIRS(arrow_mi_free)(buffer);
    return;
  }
  strike(buffer);
  pool_free(door->pool, buffer, POOL_SIZE_UNKNOWN, 0);
}

EXPORT void arrow_mi_collect(bool force) {
  const router_door *door = router_door_of(ROUTER_ARROW_MIMALLOC);
  if (!door)
    THEIRS(arrow_mi_collect)(force);
  else
    pool_get_config(door->pool)->backend->release_unused();
}
