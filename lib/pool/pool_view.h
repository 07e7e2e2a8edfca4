/* A copy of what reports say of one pool, of this process or of another. */
#ifndef ARROWPOOL_POOL_POOL_VIEW_H
#define ARROWPOOL_POOL_POOL_VIEW_H

#include "counters/counters.h"

#include <stdbool.h>

typedef struct pool_view {
  char name[POOL_NAME_BYTES];
  char backend[POOL_BACKEND_BYTES];
  bool counts_requested; /* bytes_allocated counts bytes as requested; else as the allocator behind us rounds
                          */
  arrowpool_stats stats;
  counters_end end;
} pool_view;

/* Makes unknown what a pool cannot know whose frees do not all pass by: what is live, and what was resized.
 */
static inline void pool_view_hide_frees(arrowpool_stats *s) {
  s->bytes_allocated = s->max_memory = s->num_frees = s->inherited_bytes = ARROWPOOL_UNKNOWN;
  s->num_reallocations = s->reallocs_in_place = s->reallocs_remapped = s->reallocs_copied = ARROWPOOL_UNKNOWN;
  s->bytes_grown_in_place = s->bytes_remapped = s->bytes_copied = ARROWPOOL_UNKNOWN;
  for (int i = 0; i < ARROWPOOL_HISTOGRAM_BUCKETS; i++)
    s->live_histogram[i] = ARROWPOOL_UNKNOWN;
}

static inline void pool_view_hide_end(counters_end *end) {
  end->bytes = ARROWPOOL_UNKNOWN;
  for (int i = 0; i < ARROWPOOL_HISTOGRAM_BUCKETS; i++)
    end->histogram[i] = ARROWPOOL_UNKNOWN;
}

/* Returns what it says in reports. */
static inline const char *pool_view_size_basis(const pool_view *p) {
  return p->counts_requested ? "requested" : "usable";
}

#endif
