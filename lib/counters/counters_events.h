/* How an event changes a shard, inlined where events are counted: counters.c, and the quick way of small
 * blocks (pool/pool_quick.h).
 *
 * `most` is how far the shard may be ahead of what its pool publishes (bytes). `shared` is constant at each
 * place where a function is expanded. */
#ifndef ARROWPOOL_COUNTERS_COUNTERS_EVENTS_H
#define ARROWPOOL_COUNTERS_COUNTERS_EVENTS_H

#include "counters/counters.h"
#include "counters/counters_area.h"

#define COUNTERS_INLINE static inline __attribute__((always_inline))

/* How far a shard may be ahead of a pool's figures that are kept exact: each event goes there at once. */
#define COUNTERS_EXACT INT64_MIN

/* Brings up to date what the pool publishes of the shard, after a change of its live bytes, and what its
 * limit has of them; `charged` says that the caller sees to this change's charge. */
void counters_publish(area_shard *s, unsigned pool, int64_t change, bool charged)
    __attribute__((visibility("hidden")));

/* Returns the live bytes of a shard. */
static inline int64_t counters_live_of(const area_shard *s) {
  return atomic_load_explicit(&s->sums[AREA_FIELD(total_bytes_allocated)], memory_order_relaxed) -
         atomic_load_explicit(&s->sums[AREA_FIELD(bytes_freed)], memory_order_relaxed);
}

COUNTERS_INLINE int64_t counters_add(_Atomic int64_t *counter, int64_t amount, bool shared) {
  if (shared)
    return atomic_fetch_add_explicit(counter, amount, memory_order_release) + amount;
  int64_t sum = atomic_load_explicit(counter, memory_order_relaxed) + amount;
  atomic_store_explicit(counter, sum, memory_order_release);
  return sum;
}

/* Returns the bucket of a size, which is above 0 and below 2^ARROWPOOL_HISTOGRAM_BUCKETS. */
COUNTERS_INLINE size_t counters_bucket_of_small(int64_t size) {
  return 63 ^ (size_t)__builtin_clzll((unsigned long long)size);
}

COUNTERS_INLINE size_t counters_bucket(int64_t size) {
  size_t bucket = counters_bucket_of_small(size);
  return bucket < ARROWPOOL_HISTOGRAM_BUCKETS ? bucket : ARROWPOOL_HISTOGRAM_BUCKETS - 1;
}

COUNTERS_INLINE void counters_grew(area_shard *s, unsigned pool, int64_t most, size_t bucket, int64_t amount,
                                   bool shared, bool charged) {
  counters_add(&(&s->sums[AREA_FIELD(size_histogram)])[bucket], 1, shared);
  int64_t live = counters_add(&s->sums[AREA_FIELD(total_bytes_allocated)], amount, shared) -
                 atomic_load_explicit(&s->sums[AREA_FIELD(bytes_freed)], memory_order_relaxed);
  if (most == COUNTERS_EXACT) {
    counters_publish(s, pool, amount, charged);
  } else if (__builtin_expect(live > atomic_load_explicit(&s->highest, memory_order_relaxed), 0)) {
    if (__builtin_expect(live - atomic_load_explicit(&s->published, memory_order_relaxed) > most, 0))
      counters_publish(s, pool, amount, charged);
    else
      atomic_store_explicit(&s->highest, live, memory_order_relaxed);
  }
}

COUNTERS_INLINE void counters_shrank(area_shard *s, unsigned pool, int64_t most, int64_t amount, bool shared,
                                     bool charged) {
  int64_t fallen = counters_add(&s->sums[AREA_FIELD(bytes_freed)], amount, shared) -
                   atomic_load_explicit(&s->sums[AREA_FIELD(total_bytes_allocated)], memory_order_relaxed) +
                   atomic_load_explicit(&s->published, memory_order_relaxed);
  if (__builtin_expect(fallen > most, 0))
    counters_publish(s, pool, -amount, charged);
}

COUNTERS_INLINE void counters_left(area_shard *s, unsigned pool, int64_t most, size_t bucket, int64_t size,
                                   bool shared, bool charged) {
  counters_add(&s->sums[AREA_FIELD(num_frees)], 1, shared);
  counters_add(&(&s->sums[AREA_FIELD(left_histogram)])[bucket], 1, shared);
  counters_shrank(s, pool, most, size, shared, charged);
}

/* A reallocation between two sizes above 0. */
COUNTERS_INLINE void counters_resized(area_shard *s, unsigned pool, int64_t most, int64_t old_size,
                                      int64_t new_size, counters_kind kind, bool shared, bool charged) {
  static const unsigned char calls[] = {AREA_FIELD(reallocs_in_place), AREA_FIELD(reallocs_remapped),
                                        AREA_FIELD(reallocs_copied)};
  static const unsigned char bytes[] = {AREA_FIELD(bytes_grown_in_place), AREA_FIELD(bytes_remapped),
                                        AREA_FIELD(bytes_copied)};
  counters_add(&s->sums[calls[kind]], 1, shared);
  /* Shrinking leaves or takes along only what is kept. */
  counters_add(&s->sums[bytes[kind]], old_size < new_size ? old_size : new_size, shared);
  counters_add(&s->sums[AREA_FIELD(left_histogram) + counters_bucket(old_size)], 1, shared);
  if (new_size > old_size) {
    counters_grew(s, pool, most, counters_bucket(new_size), new_size - old_size, shared, charged);
    counters_add(&s->sums[AREA_FIELD(num_growths)], 1,
                 shared); /* this comes after the histogram: see counters_all_freed */
  } else {
    counters_add(&s->sums[AREA_FIELD(left_histogram) + counters_bucket(new_size)], -1, shared);
    counters_shrank(s, pool, most, old_size - new_size, shared, charged);
  }
}

#endif
