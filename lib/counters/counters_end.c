/* Keeps what is live when the program's interpreter begins to end (counters.h). */
#include "counters/counters.h"
#include "counters/counters_area.h"

#include <stdatomic.h>

static int (*is_ending)(void);
static _Atomic bool noted;

static __attribute__((noinline, cold)) void note(void) {
  arrowpool_stats stats;
  for (unsigned pool = 0; pool < POOL_COUNT; pool++) {
    area_pool *p = &area_pools[pool];
    if (!atomic_load_explicit(&area_shards[pool], memory_order_acquire))
      continue;
    counters_read(pool, &stats);
    atomic_store_explicit(&p->end_bytes, stats.bytes_allocated, memory_order_relaxed);
    for (size_t i = 0; i < ARROWPOOL_HISTOGRAM_BUCKETS; i++)
      atomic_store_explicit(&p->end_histogram[i], stats.live_histogram[i], memory_order_relaxed);
    atomic_fetch_add(&p->ends, 1);
  }
}

/* An interpreter that is started again after its end may end again. */
void counters_look_for_end(void) {
  bool ends = is_ending && is_ending(), before = atomic_load_explicit(&noted, memory_order_relaxed);
  if (ends != before && atomic_compare_exchange_strong(&noted, &before, ends) && ends && area_settle())
    note();
}

void counters_watch_end(int (*is_ending_)(void)) {
  is_ending = is_ending_;
  atomic_store_explicit(&counters_ask_for_end, counters_look_for_end, memory_order_release);
}

bool counters_watches_end(void) { return atomic_load(&counters_ask_for_end) != NULL; }

void counters_read_end(unsigned pool, counters_end *out) {
  const area_pool *p = &area_pools[pool];
  bool known = atomic_load(&p->ends) > 0;
  out->bytes = known ? atomic_load_explicit(&p->end_bytes, memory_order_relaxed) : ARROWPOOL_UNKNOWN;
  for (size_t i = 0; i < ARROWPOOL_HISTOGRAM_BUCKETS; i++)
    out->histogram[i] =
        known ? atomic_load_explicit(&p->end_histogram[i], memory_order_relaxed) : ARROWPOOL_UNKNOWN;
}
