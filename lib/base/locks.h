/* All locks of the library are in one array, so that a fork can take them all.
 *
 * Invariant: they are the innermost locks of the process: who holds one calls nothing but the kernel. Order:
 * the lower number is taken first. jemalloc's own locks come before all but LOCK_START. The child of a fork
 * is single-threaded, finds every lock free and can allocate at once. */
#ifndef ARROWPOOL_BASE_LOCKS_H
#define ARROWPOOL_BASE_LOCKS_H

#include <stdbool.h>

enum {
  LOCK_START,   /* is held while the jemalloc backend starts */
  LOCK_POOLS,   /* protects the table of pools: create, destroy */
  LOCK_SHARDS,  /* protects the lists of counter shards */
  LOCK_PROFILE, /* protects the profile's tables and its file */
  LOCK_RUNS,    /* protects the page runs for small blocks */
  LOCK_PACKED,  /* protects the chunks of packed extents */
  LOCK_PURGE,   /* is held while idle slots are purged by the housekeeper, or all of them by anybody */
  LOCK_TIERS,   /* protect the free lists of slots: one lock a tier */
  LOCK_SLOTS = LOCK_TIERS + 8,
  LOCK_SLOT_STRIPES = 64,                      /* slots share this many locks; a power of two */
  LOCK_RANGE = LOCK_SLOTS + LOCK_SLOT_STRIPES, /* protects what of the range is writable */
  LOCK_GUARDS,                                 /* protect what the guard knows of buffers: one lock a shard */
  LOCK_GUARD_SHARDS = 16,                      /* a power of two */
  LOCK_COUNT = LOCK_GUARDS + LOCK_GUARD_SHARDS
};

void locks_acquire(int lock);
void locks_release(int lock);

/* Makes a lock free in a child for which no fork handler ran: the thread that held it is not there. */
void locks_reset(int lock);

/* A fork calls these: they take and release all locks but LOCK_START, which the caller handles. The parent
 * and the child each release. */
void locks_acquire_all(void);
void locks_release_all(void);

#endif
