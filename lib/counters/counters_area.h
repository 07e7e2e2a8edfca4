/* Where the figures are kept, and how they lie there: in memory of the process's own, or in a live file,
 * which others can read while the process lives and after it was killed (live.h).
 *
 * Plain 64-bit integers at fixed offsets, each written by atomic stores, so a reader sees no torn value. */
#ifndef ARROWPOOL_COUNTERS_COUNTERS_AREA_H
#define ARROWPOOL_COUNTERS_COUNTERS_AREA_H

#include "arrowpool.h"
#include "counters/counters_fields.h"

#include <stdatomic.h>
#include <stdbool.h>

#define AREA_POOLS 256

/* What a shard stores: sums that only grow. */
typedef struct area_sums {
#define X(name, unit, help) int64_t name;
  COUNTERS_STORED(X)
#undef X
  int64_t bytes_freed; /* with what shrinking gave up */
  int64_t num_growths; /* reallocations in the size histogram, beside the allocations */
  int64_t size_histogram[ARROWPOOL_HISTOGRAM_BUCKETS];
  int64_t left_histogram[ARROWPOOL_HISTOGRAM_BUCKETS]; /* buffers that left the bucket: freed or resized */
} area_sums;

#define AREA_FIELDS      (sizeof(area_sums) / sizeof(int64_t))
#define AREA_FIELD(name) (offsetof(area_sums, name) / sizeof(int64_t))

/* Live bytes here are those of the shard: negative where others' buffers are freed. */
typedef struct area_shard {
  _Alignas(64) _Atomic int64_t sums[AREA_FIELDS];
  _Atomic int64_t published; /* of its live bytes, what the pool's `published` has */
  _Atomic int64_t highest;   /* most live bytes since that was brought up to date */
  struct area_shard *next;   /* of the same pool */
  bool shared;               /* written by several threads */
  _Atomic uint32_t pool;     /* number of its pool, plus 1; 0 in a file: not in use yet */
} area_shard;

typedef struct area_pool {
  _Alignas(64) _Atomic int64_t published; /* live bytes, up to COUNTERS_QUANTUM a shard behind */
  _Atomic int64_t peak;
  _Atomic int64_t inherited;
  _Atomic int64_t old_peak; /* of this process and its parents, when the present peak was begun */
  _Atomic int64_t forgotten_bytes, forgotten_allocations; /* in the sums: earlier pools' of the number */
  _Atomic int64_t baseline[AREA_FIELDS]; /* subtracted: what a fork's parent counted, or an earlier pool of
                                            the number */
  /* For readers of a live file only: what the pool is called and what serves it. */
  _Atomic uint64_t version; /* odd while the label changes */
  char name[72], backend[16], size_basis[16];
  int64_t sees_all;    /* 0: what is live and freed is not known */
  int64_t limit_bytes; /* 0: none of its own */
} area_pool;

/* All pools, by number. */
extern area_pool *_Atomic area_pools;

/* The shards of each, which are only ever pushed to. */
extern _Atomic(area_shard *) area_shards[AREA_POOLS];

/* Zeroed memory of the process that is never given back; NULL if there is none. Under LOCK_SHARDS. */
void *area_take_memory(size_t size);

/* Zeroed memory for what points to a thread's shards. With a live file it is emptied in every child, so that
 * the first event there takes the long way, by area_settle, and no other has to look. Under LOCK_SHARDS. */
void *area_take_block(size_t size);

/* To be called before anything here is changed but a shard that its thread already has. In a child that came
 * without a fork's handlers what is counted from here on stays in its own memory; nobody reads it. False: in
 * a fork's child whose handler is still to come, where nothing is to be changed yet. */
bool area_settle(void);
extern bool area_is_forking;     /* the handlers of a fork are at work; protected by LOCK_SHARDS */
extern void (*area_leave)(void); /* has the file left to the parent; NULL: there is none */

/* A zeroed shard, in the live file where there is one and it has room. Under LOCK_SHARDS. */
area_shard *area_take_shard(void);

/* Has the live file keep room for a pool's record before it is labelled; NULL: no need. Under LOCK_SHARDS. */
extern void (*area_prepare_pool)(unsigned pool);

/* Keep the figures in a live file from now on: `pools` as above, all zero, and room for shards that
 * `take_shard` hands out (NULL: none left). Before the first event. */
void area_use(area_pool *pools, area_shard *(*take_shard)(void));

#endif
