/* What pools do in a debug mode: the same as pool.c, with the guard (guard.h) asked first. Called by pool.c
 * only, with arguments that it found valid. */
#ifndef ARROWPOOL_POOL_POOL_DEBUG_H
#define ARROWPOOL_POOL_POOL_DEBUG_H

#include "pool/pool.h"

/* The configuration of a new pool: as it is, or guarded. */
pool_config pool_debug_config(pool_config config);

/* The pool's backend handed the buffer out. */
void pool_debug_enter(const arrowpool_pool *pool, void *buffer, int64_t size, int64_t alignment);

void pool_debug_free(const arrowpool_pool *pool, void *buffer, int64_t size, int64_t alignment);

/* Between two sizes above 0. */
arrowpool_status pool_debug_reallocate(arrowpool_pool *pool, int64_t old_size, int64_t new_size,
                                       int64_t alignment, void **buffer);

#endif
