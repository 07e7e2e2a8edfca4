/* The thread's cache of small blocks, which is jemalloc's: blocks are taken from its bins and put back here
 * as jemalloc's own fast path does it, without a call.
 *
 * All that jemalloc keeps is kept: the low-water marks by which it shrinks the bins, and the sums of bytes,
 * at whose thresholds it has work to do. The thresholds are 0 while the thread has no cache, so that one
 * comparison also tells what a beginning or an ending thread has to do: call jemalloc, as for a bin that is
 * empty or full. Only the count of requests is not, which nobody reads. What lies in a bin is of the page
 * runs: all arenas have our hooks, and only such blocks are put here. */
#ifndef ARROWPOOL_MEMORY_SMALL_CACHE_H
#define ARROWPOOL_MEMORY_SMALL_CACHE_H

#include "base/thread_own.h"
#include "memory/page_runs.h"

#include <thread_cache_layout.h>

/* Sizes are looked up in steps of the granule, to which they are rounded up anyway. */
#define SMALL_CACHE_STEPS (THREAD_CACHE_MOST / PAGE_RUNS_GRANULE)

/* Says for a step where its bin is in the cache, and what its blocks have (both bytes). Until jemalloc has
 * started all is 0, and no cache has a threshold above that. */
typedef struct small_cache_step {
  uint16_t bin, usable;
} small_cache_step;
extern small_cache_step small_cache_steps[SMALL_CACHE_STEPS] __attribute__((visibility("hidden")));

/* Fills the table. The backend calls it once, when jemalloc has started. */
void small_cache_init(void);

/* Returns the calling thread's cache, and keeps it for the fast path. */
thread_cache *small_cache_bind(void);

/* Returns the step of a size (bytes): SMALL_CACHE_STEPS or more if it has none, such as 0. */
static inline size_t small_cache_step_of(size_t size) { return (size - 1) / PAGE_RUNS_GRANULE; }

#define SMALL_CACHE_INLINE static inline __attribute__((always_inline))

SMALL_CACHE_INLINE thread_cache_bin *small_cache_bin(thread_cache *cache, size_t step) {
  return (thread_cache_bin *)(void *)((char *)cache + small_cache_steps[step].bin);
}

/* Takes a block of the step. Returns false where jemalloc has to be asked. */
SMALL_CACHE_INLINE bool small_cache_take(thread_cache *cache, size_t step, void **out) {
  uint64_t allocated = cache->allocated + small_cache_steps[step].usable;
  if (__builtin_expect(allocated >= cache->allocated_threshold, 0))
    return false;
  thread_cache_bin *bin = small_cache_bin(cache, step);
  void **head = bin->head;
  if (__builtin_expect((uint16_t)(uintptr_t)head == bin->low_water, 0)) {
    if ((uint16_t)(uintptr_t)head == bin->empty)
      return false;
    bin->low_water = (uint16_t)(uintptr_t)(head + 1);
  }
  bin->head = head + 1;
  cache->allocated = allocated;
  *out = *head;
  return true;
}

/* Puts a block of the page runs back. Returns false where jemalloc has to be asked, as it has to be of a
 * block that looks like the one freed last, to tell whether it is. */
SMALL_CACHE_INLINE bool small_cache_put(thread_cache *cache, size_t step, void *block) {
  uint64_t deallocated = cache->deallocated + small_cache_steps[step].usable;
  if (__builtin_expect(deallocated >= cache->deallocated_threshold, 0))
    return false;
  thread_cache_bin *bin = small_cache_bin(cache, step);
  void **head = bin->head;
  if (__builtin_expect((uint16_t)(uintptr_t)head == bin->full || *head == block, 0))
    return false;
  bin->head = head - 1;
  head[-1] = block;
  cache->deallocated = deallocated;
  return true;
}

#endif
