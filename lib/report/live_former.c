/* Keeps which shard is copied to which place (live_former.h). */
#include "report/live_former.h"

#define MOST_SHARDS 1024 /* of threads that used a pool, each by its pools */

static struct {
  const area_shard *from;
  size_t to; /* the number of its place */
} former[MOST_SHARDS];
static _Atomic unsigned count;

unsigned live_former_find(const area_shard *first, area_shard *(*take_shard)(void)) {
  unsigned found = 0, lost = 0;
  for (unsigned pool = 0; pool < POOL_COUNT; pool++)
    for (const area_shard *s = atomic_load(&area_shards[pool]); s; s = s->next) {
      area_shard *place = found < MOST_SHARDS ? take_shard() : NULL;
      if (!place) {
        lost++;
        continue;
      }
      former[found].from = s;
      former[found++].to = (size_t)(place - first);
    }
  atomic_store(&count, found);
  return lost;
}

static void copy_figure(_Atomic int64_t *to, const _Atomic int64_t *from) {
  atomic_store_explicit(to, atomic_load_explicit(from, memory_order_relaxed), memory_order_relaxed);
}

void live_former_copy(area_shard *first) {
  unsigned all = atomic_load(&count);
  for (unsigned i = 0; i < all; i++) {
    const area_shard *from = former[i].from;
    area_shard *to = first + former[i].to;
    for (size_t field = 0; field < AREA_FIELDS; field++)
      copy_figure(&to->sums[field], &from->sums[field]);
    copy_figure(&to->published, &from->published);
    copy_figure(&to->highest, &from->highest);
    atomic_store(&to->pool, atomic_load(&from->pool));
  }
}

void live_former_forget(void) { atomic_store(&count, 0); }
