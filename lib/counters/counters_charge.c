/* Charges what is live already to a pool's limit, while other threads may use the pool (counters.h). */
#include "counters/counters_events.h"
#include "counters/limits.h"

void counters_charge(unsigned pool) {
  for (area_shard *s = atomic_load(&area_shards[pool]); s; s = s->next) {
    do {
      int64_t live = counters_live_of(s), published = live - atomic_exchange(&s->published, live);
      atomic_fetch_add_explicit(&area_pools[pool].published, published, memory_order_relaxed);
      atomic_store(&s->highest, COUNTERS_EXACT);
      limits_adjust(pool, live - atomic_exchange(&s->charged, live));
    } while (atomic_load(&s->charged) != counters_live_of(s) ||
             atomic_load(&s->published) != counters_live_of(s));
  }
}
