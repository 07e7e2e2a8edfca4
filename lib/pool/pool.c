/* Allocates, reallocates and frees. */
#include "pool/pool_samples.h"
#include "pool/pool_sizes.h"

#include <string.h>

void (*pool_on_refusal)(const arrowpool_pool *pool, int64_t old_size, int64_t new_size);

static const counters_kind kinds[] = {[BACKEND_IN_PLACE] = COUNTERS_IN_PLACE,
                                      [BACKEND_REMAPPED] = COUNTERS_REMAPPED,
                                      [BACKEND_COPIED] = COUNTERS_COPIED};

static bool is_valid(int64_t size, int64_t alignment) {
  int64_t end;
  return size >= 0 && alignment > 0 && !(alignment & (alignment - 1)) &&
         !__builtin_add_overflow(size, alignment, &end);
}

/* Returns what a size-0 buffer looks like: not NULL, aligned, and nothing to dereference. */
static void *zero_size_buffer(int64_t alignment) { return (void *)(uintptr_t)alignment; }

/* Returns whether the buffer's free will come by here. */
static inline __attribute__((always_inline)) bool sees(const arrowpool_pool *pool, const void *buffer) {
  return pool->config.frees == POOL_ALL_FREES_PASS || backend_owns(pool->config.backend, buffer);
}

/* Charges bytes to the limits of a limited pool. At its limit a program is short of memory: it gets the idle
 * pages back. */
static __attribute__((noinline)) bool charge(const arrowpool_pool *pool, int64_t bytes) {
  if (limits_charge(pool_number(pool), bytes) == LIMITS_NONE)
    return true;
  pool->config.backend->release_unused();
  return limits_charge(pool_number(pool), bytes) == LIMITS_NONE;
}

/* Counts a request that failed, and tells whoever wants to know. */
static arrowpool_status pool_refuse(const arrowpool_pool *pool, int64_t old_size, int64_t new_size) {
  counters_failed(pool_number(pool));
  if (pool_on_refusal)
    pool_on_refusal(pool, old_size, new_size);
  return ARROWPOOL_OUT_OF_MEMORY;
}

/* ---- allocate and reallocate ---- */

static inline __attribute__((always_inline)) void count(const arrowpool_pool *pool, const pool_held *old,
                                                        int64_t counted, bool seen, backend_resize how,
                                                        bool limited) {
  if (!old && seen)
    (limited ? counters_allocated_charged : counters_allocated)(pool_number(pool), counted);
  else if (old && seen)
    (limited ? counters_reallocated_charged : counters_reallocated)(pool_number(pool), old->counted, counted,
                                                                    kinds[how]);
  else if (old) /* the pool will not see it again: from here on it is a stranger's */
    (limited ? counters_freed_charged : counters_freed)(pool_number(pool), old->counted);
}

/* Serves a request for `size` bytes: anew, or, with `old`, in place of the buffer at *buffer, which was
 * withdrawn and is live again if this fails. What may come to be live is charged first; of a limited pool
 * what is too much goes off the charge at the end. */
static inline __attribute__((always_inline)) arrowpool_status
serve(const arrowpool_pool *pool, const pool_held *old, int64_t size, int64_t alignment, void **buffer) {
  const backend *b = pool->config.backend;
  int64_t before = old ? old->counted : 0, counted = 0, charged = 0;
  void *served = NULL;
  backend_resize how = BACKEND_COPIED;
  bool limited = pool_is_charged(pool); /* asked once: a limit may be set meanwhile */
  pool_sampled_move move = {0};
  if (old && profile_on())
    move = pool_samples_before_move(*buffer, size - before);
  if (limited) {
    int64_t growth = pool_most_counted(pool, size) - before;
    charged = growth > 0 ? growth : 0;
  }
  if (!charged || charge(pool, charged)) {
    if (!old)
      served = backend_allocate(b, (size_t)size, (size_t)alignment);
    else /* where the backend knows the size the program may know what is behind it, and use it */
      served = backend_reallocate(b, *buffer,
                                  pool->config.size_source == POOL_SIZE_FROM_BACKEND ? b->usable_size(*buffer)
                                                                                     : (size_t)before,
                                  (size_t)size, (size_t)alignment, &how);
    if (!served && charged)
      limits_uncharge(pool_number(pool), charged);
  }
  if (!served) {
    pool_samples_not_moved(move, *buffer, before);
    if (old)
      pool_sizes_reenter(pool, *buffer, old);
    return pool_refuse(pool, before, size);
  }
  bool seen = sees(pool, served);
  if (profile_on() && seen && !old)
    served = pool_samples_allocated(pool, served, size, alignment);
  else if (profile_on() && old)
    served = pool_samples_moved(pool, move, served, seen, size, before, alignment, &how);
  *buffer = served;
  if (seen)
    counted = pool_sizes_enter(pool, served, size, alignment);
  count(pool, old, counted, seen, how, limited);
  if (limited)
    limits_uncharge(pool_number(pool), before + charged - counted);
  if ((!old || how != BACKEND_IN_PLACE) && !backend_owns(b, served))
    counters_fell_back(pool_number(pool));
  return ARROWPOOL_OK;
}

static __attribute__((noinline)) arrowpool_status allocate_slowly(const arrowpool_pool *pool, int64_t size,
                                                                  int64_t alignment, void **out) {
  return serve(pool, NULL, size, alignment, out);
}

static __attribute__((noinline)) arrowpool_status allocate_specially(arrowpool_pool *pool, int64_t size,
                                                                     int64_t alignment, void **out) {
  int state = atomic_load(&pool->life);
  if (!is_valid(size, alignment) || (state != POOL_OPEN && state != POOL_OPEN_LIMITED))
    return ARROWPOOL_INVALID;
  if (size > 0)
    return allocate_slowly(pool, size, alignment, out);
  *out = zero_size_buffer(alignment);
  return ARROWPOOL_OK;
}

arrowpool_status pool_allocate(arrowpool_pool *pool, int64_t size, int64_t alignment, void **out) {
  if (__builtin_expect(size == 0 || !is_valid(size, alignment) ||
                           atomic_load_explicit(&pool->life, memory_order_relaxed) != POOL_OPEN,
                       0))
    return allocate_specially(pool, size, alignment, out);
  if (pool->config.size_source != POOL_SIZE_FROM_CALLER)
    return allocate_slowly(pool, size, alignment, out);
  void *buffer = backend_allocate(pool->config.backend, (size_t)size, (size_t)alignment);
  if (__builtin_expect(!buffer, 0))
    return pool_refuse(pool, 0, size);
  *out = buffer;
  if (__builtin_expect(!backend_owns(pool->config.backend, buffer), 0)) {
    counters_fell_back(pool_number(pool));
    if (pool->config.frees == POOL_OWN_FREES_PASS)
      return ARROWPOOL_OK;
  }
  counters_allocated(pool_number(pool), size);
  if (profile_on())
    *out = pool_samples_allocated(pool, buffer, size, alignment);
  return ARROWPOOL_OK;
}

/* Allocates in place of a buffer that is not the pool's, which stays as it is; what is known is copied. */
static arrowpool_status allocate_instead(arrowpool_pool *pool, int64_t size, int64_t alignment,
                                         int64_t known_size, void **buffer) {
  const void *old = *buffer;
  arrowpool_status status = pool_allocate(pool, size, alignment, buffer);
  if (status != ARROWPOOL_OK)
    return status;
  size_t kept = (size_t)(known_size < size ? known_size : size);
  if (kept)
    memcpy(*buffer, old, kept);
  memset((char *)*buffer + kept, 0, (size_t)size - kept);
  return ARROWPOOL_OK;
}

arrowpool_status pool_reallocate(arrowpool_pool *pool, int64_t old_size, int64_t new_size, int64_t alignment,
                                 void **buffer) {
  const backend *b = pool->config.backend;
  pool_held old;
  if (pool->config.size_source == POOL_SIZE_FROM_BACKEND)
    b->recall(*buffer); /* it ends the program if there is none, before it is asked for its alignment */
  if (alignment == 0 && old_size != 0)
    alignment = (int64_t)b->alignment(*buffer);
  if (!is_valid(new_size, alignment) || (old_size != POOL_SIZE_UNKNOWN && !is_valid(old_size, alignment)))
    return ARROWPOOL_INVALID;
  if (old_size == 0 && !pool_sizes_contradict(pool, *buffer))
    return pool_allocate(pool, new_size, alignment, buffer);
  if (new_size == 0) {
    pool_free(pool, *buffer, old_size, alignment);
    *buffer = zero_size_buffer(alignment);
    return ARROWPOOL_OK;
  }
  if (!pool_sizes_withdraw(pool, *buffer, old_size, alignment, "reallocate", &old))
    return allocate_instead(pool, new_size, alignment, old.counted, buffer);
  return serve(pool, &old, new_size, old.alignment, buffer);
}

/* ---- free ---- */

/* Counts first: once it is freed, another thread may already have it again. Its charge is taken off last:
 * until then the memory is in use. */
static __attribute__((noinline)) void free_slowly(arrowpool_pool *pool, void *buffer, int64_t size,
                                                  int64_t alignment) {
  pool_held held = {0, alignment};
  bool limited = pool_is_charged(pool);
  if (sees(pool, buffer)) {
    if (!pool_sizes_withdraw(pool, buffer, size, alignment, "free", &held))
      return;
    (limited ? counters_freed_charged : counters_freed)(pool_number(pool), held.counted);
  }
  if (profile_on())
    pool_samples_freed(buffer);
  bool knows_size = pool->config.size_source != POOL_SIZE_FROM_BACKEND;
  pool->config.backend->free(buffer, knows_size ? (size_t)held.counted : 0, (size_t)held.alignment);
  if (limited)
    limits_uncharge(pool_number(pool), held.counted);
}

void pool_free(arrowpool_pool *pool, void *buffer, int64_t size, int64_t alignment) {
  if (__builtin_expect(!buffer || size == 0, 0)) {
    if (buffer && pool_sizes_contradict(pool, buffer))
      free_slowly(pool, buffer, 0, alignment);
    return;
  }
  if (pool->config.size_source != POOL_SIZE_FROM_CALLER || __builtin_expect(pool_is_charged(pool), 0)) {
    free_slowly(pool, buffer, size, alignment);
    return;
  }
  if (sees(pool, buffer))
    counters_freed(pool_number(pool), size);
  if (profile_on())
    pool_samples_freed(buffer);
  pool->config.backend->free(buffer, (size_t)size, (size_t)alignment);
}

void pool_note_allocated(arrowpool_pool *pool, int64_t size) {
  counters_allocated(pool_number(pool), size > 0 ? size : 1);
}

void pool_note_failed(arrowpool_pool *pool) { counters_failed(pool_number(pool)); }
