/* Defines the thread's data, and what it begins with: a cache whose thresholds are 0, and no shards. */
#include "base/thread_own.h"

static uint64_t no_cache[8]; /* nobody writes it: the thresholds are looked at first */

_Atomic(struct area_shard *) thread_own_no_shards[THREAD_OWN_PLACES];

__thread thread_own thread_own_data = {.cache = (struct thread_cache *)no_cache,
                                       .shards = thread_own_no_shards};
