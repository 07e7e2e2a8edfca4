/* Asks jemalloc for what the fast path of small blocks goes by. */
#include "memory/small_cache.h"

small_cache_step small_cache_steps[SMALL_CACHE_STEPS];

/* They are our overlay's (subprojects/packagefiles). */
thread_cache *arrowpool_je_private_je_tsd_thread_cache(void);
size_t arrowpool_je_private_je_tsd_thread_cache_bin(size_t size, size_t *usable);

void small_cache_init(void) {
  for (size_t step = 0; step < SMALL_CACHE_STEPS; step++) {
    size_t usable;
    size_t bin = arrowpool_je_private_je_tsd_thread_cache_bin((step + 1) * PAGE_RUNS_GRANULE, &usable);
    small_cache_steps[step] = (small_cache_step){(uint16_t)bin, (uint16_t)usable};
  }
}

thread_cache *small_cache_bind(void) {
  return thread_own_data.cache = arrowpool_je_private_je_tsd_thread_cache();
}
