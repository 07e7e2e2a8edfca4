/* What a pool knows of a live buffer: how many bytes it counts for, and how it is aligned. Callers tell both
 * again when they free, or the backend remembers them, or, in a debug mode, the guard does (guard.h), which
 * also finds misuse. This is the only place that tells the three apart where a buffer comes or goes. */
#ifndef ARROWPOOL_POOL_POOL_SIZES_H
#define ARROWPOOL_POOL_POOL_SIZES_H

#include "pool/pool_table.h"

typedef struct pool_held {
  int64_t counted;   /* bytes */
  int64_t alignment; /* 0: the backend knows it */
} pool_held;

/* Returns whether there is a debug mode. */
static inline bool pool_sizes_guarded(const arrowpool_pool *pool) {
  return __builtin_expect(pool->config.size_source >= POOL_SIZE_FROM_CALLER_DEBUG, 0);
}
void pool_sizes_guard(const arrowpool_pool *pool, void *buffer, int64_t size, int64_t alignment);
bool pool_sizes_unguard(const arrowpool_pool *pool, void *buffer, int64_t size, int64_t alignment,
                        const char *act, pool_held *out);

/* Takes the buffer as live from here on. Returns for how many bytes it counts. */
static inline int64_t pool_sizes_enter(const arrowpool_pool *pool, void *buffer, int64_t size,
                                       int64_t alignment) {
  if (pool_sizes_guarded(pool))
    pool_sizes_guard(pool, buffer, size, alignment);
  else if (pool->config.size_source == POOL_SIZE_FROM_BACKEND)
    size = (int64_t)pool->config.backend->remember(buffer, (size_t)size);
  if (__builtin_expect(pool->config.is_found, 0) && !pool_sizes_guarded(pool))
    backend_jemalloc_set_owner(buffer, pool_number(pool));
  return size;
}

/* Takes it as not live any more. `size` and `alignment` are as told, POOL_SIZE_UNKNOWN and 0 where callers do
 * not. Returns false, in a debug mode only, over what is no buffer of the pool's, which was told (`act`:
 * "free" or "reallocate"); `out` is what is known of it. Without that mode our jemalloc ends the program. */
static inline bool pool_sizes_withdraw(const arrowpool_pool *pool, void *buffer, int64_t size,
                                       int64_t alignment, const char *act, pool_held *out) {
  if (pool_sizes_guarded(pool))
    return pool_sizes_unguard(pool, buffer, size, alignment, act, out);
  if (pool->config.size_source == POOL_SIZE_FROM_BACKEND)
    size = (int64_t)pool->config.backend->forget(buffer);
  *out = (pool_held){size, alignment};
  return true;
}

/* Takes it as live again, as it was before it was withdrawn. */
static inline void pool_sizes_reenter(const arrowpool_pool *pool, void *buffer, const pool_held *held) {
  pool_sizes_enter(pool, buffer, held->counted, held->alignment);
}

/* Returns whether the guard knows a live buffer at the address, although the caller says it has no bytes. */
static inline bool pool_sizes_contradict(const arrowpool_pool *pool, const void *buffer) {
  return pool_sizes_guarded(pool) && guard_is_live(buffer);
}

#endif
