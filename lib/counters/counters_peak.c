/* Adds up what pools publish, while somebody watches. */
#include "counters/counters_peak.h"

#include "counters/counters_area.h"

atomic_bool counters_peak_watched;
static _Atomic int64_t watched_peak;
static atomic_bool is_left_out[POOL_COUNT];

void counters_peak_choose(unsigned pool, bool watched) { atomic_store(&is_left_out[pool], !watched); }

static int64_t live_in_all(void) {
  int64_t live = 0;
  for (unsigned pool = 0; pool < POOL_COUNT; pool++)
    if (atomic_load_explicit(&area_shards[pool], memory_order_relaxed) &&
        !atomic_load_explicit(&is_left_out[pool], memory_order_relaxed))
      live += atomic_load_explicit(&area_pools[pool].published, memory_order_relaxed);
  return live;
}

void counters_peak_note(unsigned pool, int64_t ahead) {
  if (atomic_load_explicit(&is_left_out[pool], memory_order_relaxed))
    return;
  int64_t live = live_in_all() + ahead, seen = atomic_load_explicit(&watched_peak, memory_order_relaxed);
  while (seen < live && !atomic_compare_exchange_weak(&watched_peak, &seen, live)) {
  }
}

int64_t counters_peak_restart(bool watch) {
  int64_t live = live_in_all(), peak = atomic_exchange(&watched_peak, live);
  bool was_watched = atomic_exchange(&counters_peak_watched, watch);
  return !was_watched ? ARROWPOOL_UNKNOWN : peak > live ? peak : live;
}
