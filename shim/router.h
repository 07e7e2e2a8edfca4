/* Decides which pool serves a call, if any: the hooks ask here, and nowhere else.
 *
 * The router wakes up in the constructor, or earlier if a hook is called before it. Until then, and from
 * within its own start, every call passes on to the next allocator untouched. */
#ifndef ARROWPOOL_SHIM_ROUTER_H
#define ARROWPOOL_SHIM_ROUTER_H

#include "arrow/abi.h"
#include "base/pieces.h"
#include "memory/range.h"
#include "options/options.h"
#include "pool/guard.h"
#include "pool/pool_quick.h"

#include <stdatomic.h>

typedef enum router_pool_name { ROUTER_LIBC, ROUTER_ARROW_MIMALLOC, ROUTER_POOLS } router_pool_name;

typedef struct router_hook {
  arrowpool_pool *pool;
  bool active; /* if not, everything passes on */
  bool ours;   /* the pool allocates; if not, the next allocator does, and the pool counts */
} router_hook;

typedef struct router {
  _Atomic int state; /* 0: asleep, 1: waking up, 2: awake */
  router_hook hooks[ROUTER_POOLS];
  bool finds_pools; /* there are pools besides libc's whose buffers come back by libc's functions */
  options settings; /* constant once awake */
} router;

extern router the_router;

/* Wakes up. Returns true once awake; false from within, or before the environment exists. */
bool router_wake(void);

static inline bool router_awake(void) {
  return __builtin_expect(atomic_load_explicit(&the_router.state, memory_order_acquire) == 2, 1) ||
         router_wake();
}

/* Returns the hook, or NULL while the call has to pass on. */
static inline const router_hook *router_hook_of(router_pool_name name) {
  return router_awake() && the_router.hooks[name].active ? &the_router.hooks[name] : NULL;
}

/* Allocates for a caller whose sizes are size_t and for whom 0 is a size like any other. Returns NULL if
 * there is no memory, or no such size, which counts as a failure; or if the alignment is no power of two.
 * router_allocate and router_free are for pools that are not found by their buffers (pool_quick.h). */
static inline bool router_aligns(size_t alignment) { /* as all small blocks are */
  return alignment <= ARROWPOOL_DEFAULT_ALIGNMENT && alignment && !(alignment & (alignment - 1));
}
void *router_allocate_slowly(const router_hook *hook, size_t size, size_t alignment);
static inline __attribute__((always_inline)) void *router_allocate(const router_hook *hook, size_t size,
                                                                   size_t alignment) {
  void *buffer;
  bool quick = router_aligns(alignment) && pool_quick_allocate_noted(hook->pool, (int64_t)size, &buffer);
  return __builtin_expect(quick, 1) ? buffer : router_allocate_slowly(hook, size, alignment);
}

/* Frees a buffer of the pool's, whose size is not told. */
static inline __attribute__((always_inline)) void router_free(arrowpool_pool *pool, void *buffer) {
  if (__builtin_expect(!pool_quick_free_noted(pool, buffer), 0))
    pool_free(pool, buffer, POOL_SIZE_UNKNOWN, 0);
}

/* Returns whether that NULL is the answer: the next allocator, which knows of no limit, must not serve what
 * one refuses. */
static inline bool router_refuses(const router_hook *hook) { return pool_is_limited(hook->pool); }

/* Resizes a buffer of the pool's, likewise; alignment 0 keeps its own. On NULL the buffer is as it was. */
void *router_reallocate(arrowpool_pool *pool, void *buffer, size_t size, size_t alignment);

/* Returns whether Arrow's pools are to be patched. */
static inline bool router_vtable_hook(void) {
  return router_awake() && ABI_KNOWN &&
         the_router.settings.values[OPTION_HOOKS].number & OPTIONS_HOOK_ARROW_VTABLE;
}

/* Returns what serves one of Arrow's pools; its jemalloc pool is always ours where it is not the default as
 * well. */
const backend *router_told_backend(bool separate_jemalloc);

/* Tells the user something, unless ARROW_POOL_LOG is quiet: pieces of one line. */
void router_warn(const char *const pieces[], size_t count);

/* Tells a whole line likewise, with next to nothing on the stack. */
void router_tell(const char *line);
/* Tells what is good to know, only where ARROW_POOL_LOG is info. */
void router_inform(const char *const pieces[], size_t count);

/* They return the pool for a pointer that came back through libc's functions, and whether it is ours at all:
 * it is of the range, or the guard knows it, which looks at every pointer while there is a debug mode. */
static inline arrowpool_pool *router_libc_pool(void) { return the_router.hooks[ROUTER_LIBC].pool; }
static inline arrowpool_pool *router_pool_of(const void *buffer) {
  arrowpool_pool *found = __builtin_expect(the_router.finds_pools, 0) ? pool_found_by(buffer) : NULL;
  return found ? found : router_libc_pool();
}
static inline bool router_owns(const void *buffer) {
  return range_owns(buffer) ||
         __builtin_expect(guard_mode != ARROWPOOL_DEBUG_OFF && guard_is_live(buffer), 0);
}

#endif
