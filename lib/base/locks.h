/* All locks of the library, in one array, so that fork can take them all.
 *
 * Invariant: they are the innermost locks of the process: while one is held, nothing but the kernel is
 * called. Order: a lower number first. jemalloc's own locks come before all but GATE_START.
 * The child of a fork is single-threaded, finds every lock free and can allocate at once. */
#ifndef ARROWPOOL_GATE_H
#define ARROWPOOL_GATE_H

#include <stdbool.h>

enum {
  GATE_START,  /* held while the jemalloc backend starts */
  GATE_POOLS,  /* the table of pools: create, destroy */
  GATE_SHARDS, /* lists of counter shards */
  GATE_RUNS,   /* page runs for small blocks */
  GATE_TIERS,  /* free lists of slots: one lock a tier */
  GATE_SLOTS = GATE_TIERS + 8,
  GATE_SLOT_STRIPES = 64,                      /* slots share this many locks; a power of two */
  GATE_RANGE = GATE_SLOTS + GATE_SLOT_STRIPES, /* what of the range is writable */
  GATE_GUARDS,                                 /* what the guard knows of buffers: one lock a shard */
  GATE_GUARD_SHARDS = 16,                      /* a power of two */
  GATE_COUNT = GATE_GUARDS + GATE_GUARD_SHARDS
};

void gate_lock(int lock);
void gate_unlock(int lock);

/* In a child that no handler of a fork prepared: whoever held it is not there. */
void gate_reset(int lock);

/* fork: close takes everything but GATE_START, which the caller handles; both children of the fork open. */
void gate_close(void);
void gate_open(void);

#endif
