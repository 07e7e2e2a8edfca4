/* The quick way of small blocks: what a hook tries before pool_allocate and pool_free, inlined into it. It
 * takes and puts blocks of the thread's cache (memory/small_cache.h) and counts them in the thread's shard:
 * no call, no lock, one look-up of thread-local data.
 *
 * It is open to pools of our jemalloc without limit and debug mode; those whose callers tell no sizes have
 * functions of their own, which note them. All return false where the long way has to be gone, nothing having
 * happened. Blocks are aligned to ARROWPOOL_DEFAULT_ALIGNMENT; callers have looked at the alignment. */
#ifndef ARROWPOOL_POOL_POOL_QUICK_H
#define ARROWPOOL_POOL_POOL_QUICK_H

#include "base/thread_own.h"
#include "counters/counters_events.h"
#include "memory/small_cache.h"
#include "pool/pool_table.h"

#define POOL_QUICK static inline __attribute__((always_inline))

/* A pointer of any type. Where it is the caller's, nothing has to be kept while the event is counted. */
typedef void *__attribute__((may_alias)) pool_quick_pointer;

/* The steps of sizes for which there is a plain note. */
#define POOL_QUICK_NOTED_STEPS (PAGE_RUNS_PLAIN_MOST / PAGE_RUNS_GRANULE)

/* Returns whether callers that name this alignment, or 0 for the default one, get that of all small blocks.
 */
POOL_QUICK bool pool_quick_aligns(int64_t alignment) { return !(alignment & ~ARROWPOOL_DEFAULT_ALIGNMENT); }

POOL_QUICK bool pool_quick_take(const arrowpool_pool *pool, unsigned place, int64_t size, size_t steps,
                                pool_quick_pointer *out) {
  thread_own *own = &thread_own_data;
  area_shard *s = atomic_load_explicit(&own->shards[place], memory_order_relaxed);
  size_t step = small_cache_step_of((size_t)size);
  void *block;
  if (__builtin_expect(!s || step >= steps, 0) || !small_cache_take(own->cache, step, &block))
    return false;
  *out = block;
  counters_grew(s, pool_number(pool), COUNTERS_QUANTUM, counters_bucket_of_small(size), size, false, false);
  return true;
}

/* The block is of the page runs. */
POOL_QUICK bool pool_quick_put(const arrowpool_pool *pool, unsigned place, void *block, int64_t size,
                               size_t steps) {
  thread_own *own = &thread_own_data;
  area_shard *s = atomic_load_explicit(&own->shards[place], memory_order_relaxed);
  size_t step = small_cache_step_of((size_t)size);
  if (__builtin_expect(!s || step >= steps, 0) || !small_cache_put(own->cache, step, block))
    return false;
  counters_left(s, pool_number(pool), COUNTERS_QUANTUM, counters_bucket_of_small(size), size, false, false);
  return true;
}

POOL_QUICK bool pool_quick_allocate(const arrowpool_pool *pool, int64_t size, pool_quick_pointer *out) {
  unsigned place = atomic_load_explicit(&pool->quick_allocate, memory_order_relaxed);
  return pool_quick_take(pool, place, size, SMALL_CACHE_STEPS, out);
}

POOL_QUICK bool pool_quick_free(const arrowpool_pool *pool, void *buffer, int64_t size) {
  unsigned place = atomic_load_explicit(&pool->quick_free, memory_order_relaxed);
  return page_runs_hold_cached(buffer) && pool_quick_put(pool, place, buffer, size, SMALL_CACHE_STEPS);
}

/* For callers that do not tell the size again. */
POOL_QUICK bool pool_quick_allocate_noted(const arrowpool_pool *pool, int64_t size, pool_quick_pointer *out) {
  unsigned place = atomic_load_explicit(&pool->quick_noted, memory_order_relaxed);
  if (!pool_quick_take(pool, place, size, POOL_QUICK_NOTED_STEPS, out))
    return false;
  *page_runs_note(*out) = (uint16_t)size;
  return true;
}

POOL_QUICK bool pool_quick_free_noted(const arrowpool_pool *pool, void *buffer) {
  unsigned place = atomic_load_explicit(&pool->quick_noted, memory_order_relaxed);
  if (__builtin_expect(!page_runs_hold_cached(buffer) || !page_runs_has_cached_place(buffer), 0))
    return false;
  uint16_t *note = page_runs_note(buffer);
  if (!pool_quick_put(pool, place, buffer, *note, POOL_QUICK_NOTED_STEPS)) /* also where there is none */
    return false;
  *note = 0;
  return true;
}

/* For pools that are found by their buffers (pool_found_by). */
POOL_QUICK bool pool_quick_allocate_found(const arrowpool_pool *pool, int64_t size, pool_quick_pointer *out) {
  if (!pool_quick_allocate_noted(pool, size, out))
    return false;
  *page_runs_owner(*out) = (uint8_t)pool_number(pool);
  return true;
}

POOL_QUICK bool pool_quick_free_found(void *buffer) {
  if (__builtin_expect(!page_runs_hold_cached(buffer) || !page_runs_has_cached_owner(buffer), 0))
    return false;
  uint8_t *number = page_runs_owner(buffer);
  if (__builtin_expect(!*number, 0) || !pool_quick_free_noted(&pool_table[*number], buffer))
    return false;
  *number = 0;
  return true;
}

#endif
