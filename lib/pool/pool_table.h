/* The table of all pools, as pool.c and pool_sizes.c see it. */
#ifndef ARROWPOOL_POOL_POOL_TABLE_H
#define ARROWPOOL_POOL_POOL_TABLE_H

#include "pool/pool.h"

#include <stdatomic.h>

typedef enum pool_life { POOL_UNUSED, POOL_OPEN, POOL_OPEN_LIMITED, POOL_DESTROYED } pool_life;

#define POOL_NAME_WORDS (POOL_NAME_BYTES / sizeof(uint64_t))

/* An entry changes its name and configuration only while nobody can use the pool, but for its limit; reports
 * may read it all the same, and notice by `version`, which is odd during the change. */
struct arrowpool_pool {
  _Alignas(128) pool_config config; /* its size is a power of two: its number is a shift away */
  _Atomic int life;
  _Atomic bool limited; /* its bytes are charged (limits.h), for good */
  _Atomic unsigned version;
  /* The place of its shards where the quick way is open (pool_quick.h), else 0: for callers that tell sizes,
   * who may still free when the pool is destroyed, and for those that do not. */
  _Atomic unsigned quick_allocate, quick_free, quick_noted;
  union {
    char text[POOL_NAME_WORDS * 8];
    _Atomic uint64_t words[POOL_NAME_WORDS];
  } name;
};

extern arrowpool_pool pool_table[POOL_COUNT]
    __attribute__((visibility("hidden"))); /* the GOT is no way round */

/* Returns its number, in the counters and everywhere. */
static inline unsigned pool_number(const arrowpool_pool *pool) { return (unsigned)(pool - pool_table); }

/* Returns whether its bytes are charged. An event asks once, and counts as what it was told. */
static inline bool pool_is_charged(const arrowpool_pool *pool) {
  return atomic_load_explicit(&pool->limited, memory_order_acquire);
}

/* Returns the most that a buffer of the size may come to count (bytes): where the allocator behind us rounds
 * and tells only afterwards, no known one adds more than a quarter or some pages. */
int64_t pool_most_counted(const arrowpool_pool *pool, int64_t size);

#endif
