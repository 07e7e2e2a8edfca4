/* Tells whether a pool was used, and whether it still has buffers, as whoever destroys it has to know, and
 * what it counted since the process or its parents began (counters.h). */
#include "counters/counters.h"

#include "counters/counters_area.h"

static int64_t sum_fields(unsigned pool, size_t first, size_t count_) {
  int64_t sum = 0;
  for (area_shard *s = atomic_load_explicit(&area_shards[pool], memory_order_acquire); s; s = s->next)
    for (size_t i = first; i < first + count_; i++)
      sum += atomic_load_explicit(&s->sums[i], memory_order_acquire);
  return sum;
}

/* A buffer enters the histogram before it can be freed or grow, and what is read first may only be too small:
 * so a buffer that lives is never missed. Baselines do not matter to the difference. */
bool counters_all_freed(unsigned pool) {
  int64_t gone = sum_fields(pool, AREA_FIELD(num_frees), 1) + sum_fields(pool, AREA_FIELD(num_growths), 1);
  return sum_fields(pool, AREA_FIELD(size_histogram), ARROWPOOL_HISTOGRAM_BUCKETS) == gone;
}

/* Returns a sum of what only grows, and only with events. */
static int64_t count_events(const _Atomic int64_t *stored) {
  static const unsigned char fields[] = {AREA_FIELD(num_frees),         AREA_FIELD(num_failed),
                                         AREA_FIELD(num_fallbacks),     AREA_FIELD(reallocs_in_place),
                                         AREA_FIELD(reallocs_remapped), AREA_FIELD(reallocs_copied)};
  int64_t events = 0;
  for (size_t i = 0; i < sizeof fields; i++)
    events += atomic_load_explicit(&stored[fields[i]], memory_order_relaxed);
  for (size_t i = 0; i < ARROWPOOL_HISTOGRAM_BUCKETS; i++)
    events += atomic_load_explicit(&stored[AREA_FIELD(size_histogram) + i], memory_order_relaxed);
  return events;
}

bool counters_is_used(unsigned pool) {
  int64_t events = -count_events(area_pools[pool].baseline);
  for (area_shard *s = atomic_load_explicit(&area_shards[pool], memory_order_acquire); s; s = s->next)
    events += count_events(s->sums);
  return events || area_pools[pool].inherited;
}
