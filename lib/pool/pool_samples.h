/* Where the pools' events meet the profile (profile/profile.h). All are called only while profile_on(). */
#ifndef ARROWPOOL_POOL_POOL_SAMPLES_H
#define ARROWPOOL_POOL_POOL_SAMPLES_H

#include "pool/pool_table.h"
#include "profile/profile.h"

/* Begins a profile, for small blocks that are served without a call too. It returns what profile_start does.
 */
bool pool_samples_start(const profile_wanted *wanted);

/* A buffer was served. Returns it, or another in its place: one that has a sample must not come back by the
 * quick way, which asks nobody. */
void *pool_samples_allocated(const arrowpool_pool *pool, void *buffer, int64_t size, int64_t alignment);

/* A buffer is freed. */
void pool_samples_freed(const void *buffer);

/* A buffer is reallocated, to have `added` bytes more; or less, if that is negative. What it returns, all
 * zero while there is no profile, one of the next two takes: the attempt failed, and the buffer has its size
 * still; or it was served, and the pool will see its free, or not. The latter returns what
 * pool_samples_allocated does, and then says that it was copied. */
typedef struct pool_sampled_move {
  uint32_t record;
  bool hit;
} pool_sampled_move;
pool_sampled_move pool_samples_before_move(const void *buffer, int64_t added);
void pool_samples_not_moved(pool_sampled_move move, const void *buffer, int64_t size);
void *pool_samples_moved(const arrowpool_pool *pool, pool_sampled_move move, void *buffer, bool seen,
                         int64_t size, int64_t old_size, int64_t alignment, backend_resize *how);

#endif
