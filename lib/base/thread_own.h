/* What the calling thread needs for each small block, behind one look-up of thread-local data: the upper
 * layers keep it here and include this, which knows none of them.
 *
 * Nothing has to be there: the pointers begin with what sends everything the long way. That way fills them
 * in, and whoever takes a thing away puts that back. Only the thread itself uses it, and its signal handlers.
 */
#ifndef ARROWPOOL_BASE_THREAD_OWN_H
#define ARROWPOOL_BASE_THREAD_OWN_H

#include <stdbool.h>
#include <stdint.h>

struct thread_cache;
struct area_shard;

/* Places for shards: one for each pool, and the first, which is always empty. */
#define THREAD_OWN_PLACES 257

typedef struct thread_own {
  struct thread_cache *cache;           /* jemalloc's (memory/small_cache.h) */
  _Atomic(struct area_shard *) *shards; /* by place: the counters' shards (counters/counters.c) */
  uint64_t small_noted; /* the cache's `deallocated`, when pages were last said to be left behind (bytes) */
  unsigned number;      /* of the thread, from 1 on; 0: it is not bound to its arena of small blocks yet */
  volatile bool own_call_passes; /* the shim's (shim/next.h) */
} thread_own;

extern __thread thread_own thread_own_data __attribute__((visibility("hidden")));

/* What `shards` is where the thread has none: no place has any. */
extern _Atomic(struct area_shard *) thread_own_no_shards[THREAD_OWN_PLACES]
    __attribute__((visibility("hidden")));

#endif
