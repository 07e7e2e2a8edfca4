/* Says where the figures are kept, and how they lie there: in memory of the process's own, or in a live file,
 * which others can read while the process lives and after it was killed (live.h).
 *
 * They are plain 64-bit integers at fixed offsets, each written by atomic stores, so a reader sees no torn
 * value. */
#ifndef ARROWPOOL_COUNTERS_COUNTERS_AREA_H
#define ARROWPOOL_COUNTERS_COUNTERS_AREA_H

#include "arrowpool.h"
#include "counters/fields.h"

#include <stdatomic.h>
#include <stdbool.h>

/* A shard stores sums that only grow. */
typedef struct area_sums {
#define X(name, unit, type, metric, help) int64_t name;
  FIELDS_STORED(X)
#undef X
  int64_t bytes_freed; /* what shrinking gave up is included */
  int64_t num_growths; /* reallocations in the size histogram, beside the allocations */
  int64_t size_histogram[ARROWPOOL_HISTOGRAM_BUCKETS];
  int64_t left_histogram[ARROWPOOL_HISTOGRAM_BUCKETS]; /* buffers that left the bucket, freed or resized */
} area_sums;

#define AREA_FIELDS      (sizeof(area_sums) / sizeof(int64_t))
#define AREA_FIELD(name) (offsetof(area_sums, name) / sizeof(int64_t))

/* Live bytes here are those of the shard: they are negative where it frees others' buffers. */
typedef struct area_shard {
  _Alignas(64) _Atomic int64_t sums[AREA_FIELDS];
  _Atomic int64_t published; /* the part of its live bytes that the pool's `published` has */
  _Atomic int64_t highest;   /* the most live bytes since that was brought up to date */
  _Atomic int64_t charged;   /* the part of its live bytes that the pool's limit has (limits.h) */
  struct area_shard *next;   /* the next shard of the same pool */
  bool shared;               /* several threads write it */
  _Atomic uint32_t pool;     /* the number of its pool, plus 1; 0 in a file: not in use yet */
} area_shard;

typedef struct area_pool {
  _Alignas(64) _Atomic int64_t published; /* live bytes, up to COUNTERS_QUANTUM a shard behind */
  _Atomic int64_t peak;
  _Atomic int64_t inherited;
  _Atomic int64_t old_peak; /* of this process and its parents, when the present peak began */
  _Atomic int64_t forgotten_bytes, forgotten_allocations; /* in the sums: earlier pools' of the number */
  /* This is subtracted: it is what a fork's parent or an earlier pool of the number counted. */
  _Atomic int64_t baseline[AREA_FIELDS];
  /* What was live when the program's interpreter began to end (counters_end.c): buffers by size likewise. */
  _Atomic int64_t ends; /* how often one did so; 0: what follows is not known */
  _Atomic int64_t end_bytes, end_histogram[ARROWPOOL_HISTOGRAM_BUCKETS];
  /* Only readers of a live file need these: what the pool is called and what serves it. */
  _Atomic uint64_t version; /* it is odd while the label changes */
  char name[POOL_NAME_BYTES], backend[POOL_BACKEND_BYTES], size_basis[16];
  int64_t sees_all;    /* 0: what is live and freed is not known */
  int64_t limit_bytes; /* 0: none of its own */
} area_pool;

/* All pools by their number. */
extern area_pool *_Atomic area_pools;

/* The shards of each pool; shards are only ever pushed. */
extern _Atomic(area_shard *) area_shards[POOL_COUNT];

/* Returns zeroed memory of the process that is never given back; NULL if there is none. The caller holds
 * LOCK_SHARDS. */
void *area_take_memory(size_t size);

/* Returns zeroed memory for what points to a thread's shards. With a live file it is emptied in every child,
 * so that the first event there takes the long way, by area_settle, and no other has to look. The caller
 * holds LOCK_SHARDS. */
void *area_take_block(size_t size);

/* Is to be called before anything here is changed but a shard that its thread already has. In a child that
 * came without a fork's handlers, what is counted from here on stays in its own memory, and nobody reads it.
 * Returns false in a fork's child whose handler is still to come, where nothing is to be changed yet. */
bool area_settle(void);
extern bool area_is_forking;     /* the handlers of a fork are at work; LOCK_SHARDS protects it */
extern void (*area_leave)(void); /* leaves the file to the parent; NULL: there is none */

/* Returns a zeroed shard, in the live file where there is one and it has room. The caller holds LOCK_SHARDS.
 */
area_shard *area_take_shard(void);

/* Has the live file keep room for a pool's record before the pool is labelled; NULL means that there is no
 * need. The caller holds LOCK_SHARDS. */
extern void (*area_prepare_pool)(unsigned pool);

/* Keeps the figures in a live file from now on: `pools` is as above, all zero, and `take_shard` hands out
 * room for shards (NULL: none is left). Shards that are in use stay where they are. */
void area_use(area_pool *pools, area_shard *(*take_shard)(void));

/* They are for a child that cannot leave its parent's file otherwise. The first finds all that was in `size`
 * bytes at `from` in the copy of them; the second begins anew, in memory of its own. After both the threads'
 * shards have to be forgotten (counters.h). */
void area_move(const void *from, size_t size, void *copy);
void area_forget(void);

#endif
