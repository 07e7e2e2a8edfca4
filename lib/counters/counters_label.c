/* Writes what a pool is called into its record, for whoever reads a live file (counters.h). */
#include "counters/counters.h"

#include "base/locks.h"
#include "base/nocancel.h"
#include "counters/counters_area.h"

#include <string.h>

void counters_label(unsigned pool, const char *name, const char *backend, bool counts_requested,
                    bool sees_all, int64_t limit_bytes) {
  int cancel_state = nocancel_begin();
  area_settle();
  locks_acquire(LOCK_SHARDS);
  if (area_prepare_pool)
    area_prepare_pool(pool);
  area_pool *p = &area_pools[pool];
  atomic_fetch_add(&p->version, 1);
  strncpy(p->name, name, sizeof p->name - 1);
  strncpy(p->backend, backend, sizeof p->backend - 1);
  strncpy(p->size_basis, counts_requested ? "requested" : "usable", sizeof p->size_basis - 1);
  p->sees_all = sees_all;
  p->limit_bytes = limit_bytes;
  atomic_fetch_add(&p->version, 1);
  locks_release(LOCK_SHARDS);
  nocancel_end(cancel_state);
}
