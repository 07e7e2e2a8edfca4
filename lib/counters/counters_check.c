/* Tells whether a pool still has buffers, as whoever destroys it has to know (counters.h). */
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
