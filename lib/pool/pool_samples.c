/* Samples buffers of pools. Small blocks of our jemalloc come and go by the quick way (pool_quick.h), which
 * must not cost more for a profile: jemalloc's thread caches tell when a point of the stream lies in one, and
 * one that is sampled is put where its address tells. */
#include "pool/pool_samples.h"

#include "memory/page_runs.h"

#include <string.h>

bool pool_samples_start(const profile_wanted *wanted) {
  if (!profile_start(wanted))
    return false;
  backend_jemalloc_watch_small(stream_small_wait, stream_small_passed);
  return true;
}

/* Returns the buffer, or in place of a quick one another with `kept` bytes of its contents. Without memory
 * for that it is NULL, and the buffer stays. */
static void *set_apart(const backend *b, void *buffer, size_t size, size_t alignment, size_t kept) {
  if (!page_runs_hold_cached(buffer))
    return buffer;
  void *apart = backend_jemalloc_allocate_apart(size, alignment);
  if (!apart)
    return NULL;
  stream_small_taken(); /* it was no event of its own */
  memcpy(apart, buffer, kept);
  b->free(buffer, size, alignment);
  return apart;
}

__attribute__((noinline)) void *pool_samples_allocated(const arrowpool_pool *pool, void *buffer, int64_t size,
                                                       int64_t alignment) {
  const backend *b = pool->config.backend;
  bool quick = page_runs_hold_cached(buffer), small_hit = stream_small_taken();
  if (quick ? !small_hit : !stream_pass(size))
    return buffer;
  int64_t passed = quick ? (int64_t)b->usable_size(buffer) : size; /* it is what jemalloc counts */
  void *apart = set_apart(b, buffer, (size_t)size, (size_t)alignment, 0);
  if (!apart)
    return buffer;
  profile_enter(unwind_caller(), apart, size, passed, pool_name(pool));
  return apart;
}

void pool_samples_freed(const void *buffer) {
  if (records_may_have(buffer))
    profile_forget(buffer);
}

pool_sampled_move pool_samples_before_move(const void *buffer, int64_t added) {
  return (pool_sampled_move){records_may_have(buffer) ? profile_withdraw(buffer) : 0,
                             added > 0 && stream_pass(added)};
}

void pool_samples_not_moved(pool_sampled_move move, const void *buffer, int64_t size) {
  if (move.record)
    profile_reenter(unwind_caller(), move.record, buffer, size, 0, false, NULL);
}

/* The stream of small blocks passes over the whole new size of one that moved; only the bytes that are added
 * count, and they have counted. */
void *pool_samples_moved(const arrowpool_pool *pool, pool_sampled_move move, void *buffer, bool seen,
                         int64_t size, int64_t old_size, int64_t alignment, backend_resize *how) {
  const backend *b = pool->config.backend;
  stream_small_taken();
  if (!move.record && !(move.hit && seen))
    return buffer;
  void *apart = seen ? set_apart(b, buffer, (size_t)size, (size_t)alignment, b->usable_size(buffer)) : NULL;
  if (!apart) {
    if (move.record)
      profile_give_up(move.record);
    return buffer;
  }
  if (apart != buffer)
    *how = BACKEND_COPIED;
  profile_reenter(unwind_caller(), move.record, apart, size, size > old_size ? size - old_size : 0, move.hit,
                  pool_name(pool));
  return apart;
}
