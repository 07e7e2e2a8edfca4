/* Pools for the unit tests, and their figures. */
#ifndef UNIT_POOLS_H
#define UNIT_POOLS_H

#include "unit.h"

#include "arrowpool.h"

#include <stdio.h>

/* Of a name that no test had before: totals outlive a pool. */
static inline arrowpool_pool *open_pool(const char *name, arrowpool_backend kind, int64_t limit) {
  arrowpool_config config = {.struct_size = sizeof config, .backend = kind, .limit_bytes = limit};
  arrowpool_pool *pool = NULL;
  char full_name[ARROWPOOL_NAME_MAX + 1];
  snprintf(full_name, sizeof full_name, "%s%s", name, kind == ARROWPOOL_BACKEND_SYSTEM ? " system" : "");
  assert_int_equal(arrowpool_create(full_name, &config, &pool), ARROWPOOL_OK);
  return pool;
}

static inline arrowpool_stats stats_of(const arrowpool_pool *pool) {
  arrowpool_stats stats = {.struct_size = sizeof stats};
  CHECK(arrowpool_get_stats(pool, &stats) == ARROWPOOL_OK);
  return stats;
}

#endif
