/* A copy of what reports say of one pool, of this process or of another. */
#ifndef ARROWPOOL_POOL_POOL_VIEW_H
#define ARROWPOOL_POOL_POOL_VIEW_H

#include "counters/fields.h"

#include <stdbool.h>

typedef struct pool_view {
  char name[POOL_NAME_BYTES];
  char backend[POOL_BACKEND_BYTES];
  bool counts_requested; /* bytes_allocated counts bytes as requested; else as the allocator behind us rounds
                          */
  arrowpool_stats stats;
} pool_view;

/* Returns what it says in reports. */
static inline const char *pool_view_size_basis(const pool_view *p) {
  return p->counts_requested ? "requested" : "usable";
}

#endif
