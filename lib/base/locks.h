/* All locks of the library, in one array, so that fork can take them all.
 *
 * Invariant: they are the innermost locks of the process: while one is held, nothing but the kernel is
 * called. Order: a lower number first. jemalloc's own locks come before all but LOCK_START.
 * The child of a fork is single-threaded, finds every lock free and can allocate at once. */
#ifndef ARROWPOOL_BASE_LOCKS_H
#define ARROWPOOL_BASE_LOCKS_H

#include <stdbool.h>

enum {
  LOCK_START,  /* held while the jemalloc backend starts */
  LOCK_POOLS,  /* the table of pools: create, destroy */
  LOCK_SHARDS, /* lists of counter shards */
  LOCK_RUNS,   /* page runs for small blocks */
  LOCK_TIERS,  /* free lists of slots: one lock a tier */
  LOCK_SLOTS = LOCK_TIERS + 8,
  LOCK_SLOT_STRIPES = 64,                      /* slots share this many locks; a power of two */
  LOCK_RANGE = LOCK_SLOTS + LOCK_SLOT_STRIPES, /* what of the range is writable */
  LOCK_GUARDS,                                 /* what the guard knows of buffers: one lock a shard */
  LOCK_GUARD_SHARDS = 16,                      /* a power of two */
  LOCK_COUNT = LOCK_GUARDS + LOCK_GUARD_SHARDS
};

void locks_acquire(int lock);
void locks_release(int lock);

/* In a child that no handler of a fork prepared: whoever held it is not there. */
void locks_reset(int lock);

/* fork: close takes everything but LOCK_START, which the caller handles; both children of the fork open. */
void locks_acquire_all(void);
void locks_release_all(void);

#endif
