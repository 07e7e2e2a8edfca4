/* See pool.h: allocating, reallocating and freeing. */
#include "pool/pool_debug.h"
#include "pool/pool_table.h"

void (*pool_on_refusal)(const arrowpool_pool *pool, int64_t bytes);

const counters_kind pool_kinds[] = {[BACKEND_IN_PLACE] = COUNTERS_IN_PLACE,
                                    [BACKEND_REMAPPED] = COUNTERS_REMAPPED,
                                    [BACKEND_COPIED] = COUNTERS_COPIED};

/* The most that a buffer of the size may come to count: where the allocator behind us rounds and tells only
 * afterwards, no known one adds more than a quarter or some pages. What is too much is taken off at once. */
static int64_t charge_for(const arrowpool_pool *pool, int64_t size) {
  int64_t most;
  if (pool->config.size_source != POOL_SIZE_FROM_BACKEND || pool->config.frees == POOL_OWN_FREES_PASS)
    return size;
  return __builtin_add_overflow(size, size / 4 + 65536, &most) ? INT64_MAX : most;
}

/* At its limit a program is short of memory: it gets the idle pages back. */
bool pool_charge(const arrowpool_pool *pool, int64_t bytes) {
  if (!bytes || limits_charge(pool_number(pool), bytes) == LIMITS_NONE)
    return true;
  pool->config.backend->release_unused();
  return limits_charge(pool_number(pool), bytes) == LIMITS_NONE;
}

arrowpool_status pool_refuse(const arrowpool_pool *pool, int64_t bytes) {
  counters_failed(pool_number(pool));
  if (pool_on_refusal)
    pool_on_refusal(pool, bytes);
  return ARROWPOOL_OUT_OF_MEMORY;
}

/* ---- allocate, reallocate, free ---- */

static bool is_valid(int64_t size, int64_t alignment) {
  int64_t end;
  return size >= 0 && alignment > 0 && !(alignment & (alignment - 1)) &&
         !__builtin_add_overflow(size, alignment, &end);
}

/* What a size-0 buffer looks like: not NULL, aligned, and nothing to dereference. */
static void *zero_size_buffer(int64_t alignment) { return (void *)(uintptr_t)alignment; }

/* Whether the buffer's free will come by here. */
static inline __attribute__((always_inline)) bool sees(const arrowpool_pool *pool, const void *buffer) {
  return pool->config.frees == POOL_ALL_FREES_PASS || backend_owns(pool->config.backend, buffer);
}

/* What a buffer of the requested size counts for (bytes). */
static int64_t take_note(const arrowpool_pool *pool, void *buffer, int64_t size) {
  return pool->config.size_source == POOL_SIZE_FROM_CALLER
             ? size
             : (int64_t)pool->config.backend->remember(buffer, (size_t)size);
}

static bool is_guarded(const arrowpool_pool *pool) {
  return pool->config.size_source >= POOL_SIZE_FROM_CALLER_DEBUG;
}

/* What is not told, or not the backend's own; the bytes it counts for. */
static __attribute__((noinline)) int64_t count_allocated_slowly(const arrowpool_pool *pool, void *buffer,
                                                                int64_t size, int64_t alignment) {
  int64_t counted = 0;
  if (is_guarded(pool))
    pool_debug_enter(pool, buffer, size, alignment);
  if (!backend_owns(pool->config.backend, buffer))
    counters_fell_back(pool_number(pool));
  if (sees(pool, buffer)) {
    counted = take_note(pool, buffer, size);
    counters_allocated(pool_number(pool), counted);
  }
  return counted;
}

static __attribute__((noinline)) arrowpool_status allocate_limited(arrowpool_pool *pool, int64_t size,
                                                                   int64_t alignment, void **out) {
  const backend *b = pool->config.backend;
  int64_t charged = charge_for(pool, size);
  if (!pool_charge(pool, charged))
    return pool_refuse(pool, charged);
  void *buffer = backend_allocate(b, (size_t)size, (size_t)alignment);
  if (!buffer) {
    limits_uncharge(pool_number(pool), charged);
    return pool_refuse(pool, size);
  }
  *out = buffer;
  limits_uncharge(pool_number(pool), charged - count_allocated_slowly(pool, buffer, size, alignment));
  return ARROWPOOL_OK;
}

static __attribute__((noinline)) arrowpool_status allocate_specially(arrowpool_pool *pool, int64_t size,
                                                                     int64_t alignment, void **out) {
  int state = atomic_load(&pool->life);
  if (!is_valid(size, alignment) || (state != POOL_OPEN && state != POOL_OPEN_LIMITED))
    return ARROWPOOL_INVALID;
  if (size > 0)
    return allocate_limited(pool, size, alignment, out);
  *out = zero_size_buffer(alignment);
  return ARROWPOOL_OK;
}

arrowpool_status pool_allocate(arrowpool_pool *pool, int64_t size, int64_t alignment, void **out) {
  if (__builtin_expect(size == 0 || !is_valid(size, alignment) ||
                           atomic_load_explicit(&pool->life, memory_order_relaxed) != POOL_OPEN,
                       0))
    return allocate_specially(pool, size, alignment, out);
  void *buffer = backend_allocate(pool->config.backend, (size_t)size, (size_t)alignment);
  if (__builtin_expect(!buffer, 0))
    return pool_refuse(pool, size);
  *out = buffer;
  if (__builtin_expect(
          pool->config.size_source == POOL_SIZE_FROM_CALLER && backend_owns(pool->config.backend, buffer), 1))
    counters_allocated(pool_number(pool), size);
  else
    count_allocated_slowly(pool, buffer, size, alignment);
  return ARROWPOOL_OK;
}

arrowpool_status pool_reallocate(arrowpool_pool *pool, int64_t old_size, int64_t new_size, int64_t alignment,
                                 void **buffer) {
  const backend *b = pool->config.backend;
  bool remembered = pool->config.size_source == POOL_SIZE_FROM_BACKEND;
  int64_t recalled = remembered ? (int64_t)b->recall(*buffer) : 0;
  if (alignment == 0 && old_size != 0)
    alignment = (int64_t)b->alignment(*buffer);
  if (!is_valid(new_size, alignment) || (old_size != POOL_SIZE_UNKNOWN && !is_valid(old_size, alignment)))
    return ARROWPOOL_INVALID;
  if (old_size == 0 && !(is_guarded(pool) && guard_is_live(*buffer)))
    return pool_allocate(pool, new_size, alignment, buffer);
  if (new_size == 0) {
    pool_free(pool, *buffer, old_size, alignment);
    *buffer = zero_size_buffer(alignment);
    return ARROWPOOL_OK;
  }
  if (__builtin_expect(is_guarded(pool), 0))
    return pool_debug_reallocate(pool, old_size, new_size, alignment, buffer);
  size_t kept = (size_t)old_size;
  if (remembered) {
    old_size = recalled;
    kept = b->usable_size(*buffer); /* the program may know it, and use it */
  }
  int64_t growth = pool->limited ? charge_for(pool, new_size) - old_size : 0,
          charged = growth > 0 ? growth : 0;
  if (!pool_charge(pool, charged))
    return pool_refuse(pool, charged);
  if (remembered)
    b->forget(*buffer);
  backend_resize how;
  void *resized = backend_reallocate(b, *buffer, kept, (size_t)new_size, (size_t)alignment, &how);
  if (!resized) {
    if (remembered)
      b->remember(*buffer, (size_t)old_size);
    limits_uncharge(pool_number(pool), charged);
    return pool_refuse(pool, new_size);
  }
  *buffer = resized;
  int64_t counted = 0;
  if (sees(pool, resized)) {
    counted = take_note(pool, resized, new_size);
    counters_reallocated(pool_number(pool), old_size, counted, pool_kinds[how]);
  } else { /* it left our sight: from here on it is a stranger's */
    counters_freed(pool_number(pool), old_size);
  }
  if (pool->limited)
    limits_uncharge(pool_number(pool), old_size + charged - counted);
  if (how != BACKEND_IN_PLACE && !backend_owns(b, resized))
    counters_fell_back(pool_number(pool));
  return ARROWPOOL_OK;
}

/* Counted first: once it is freed, another thread may already have it again. Its charge is taken off last:
 * until then the memory is in use. */
static __attribute__((noinline)) void free_slowly(arrowpool_pool *pool, void *buffer, int64_t size,
                                                  int64_t alignment) {
  const backend *b = pool->config.backend;
  if (is_guarded(pool)) {
    pool_debug_free(pool, buffer, size, alignment);
    return;
  }
  bool told = pool->config.size_source == POOL_SIZE_FROM_CALLER;
  int64_t counted = 0;
  if (sees(pool, buffer)) {
    counted = told ? size : (int64_t)b->forget(buffer);
    counters_freed(pool_number(pool), counted);
  }
  b->free(buffer, told ? (size_t)size : 0, (size_t)alignment);
  if (pool->limited)
    limits_uncharge(pool_number(pool), counted);
}

/* A buffer of no bytes; or one that has some, in which the guard finds a wrong size. */
static __attribute__((noinline, cold)) void free_nothing(arrowpool_pool *pool, void *buffer,
                                                         int64_t alignment) {
  if (buffer && is_guarded(pool) && guard_is_live(buffer))
    pool_debug_free(pool, buffer, 0, alignment);
}

void pool_free(arrowpool_pool *pool, void *buffer, int64_t size, int64_t alignment) {
  if (__builtin_expect(!buffer || size == 0, 0)) {
    free_nothing(pool, buffer, alignment);
    return;
  }
  if (pool->config.size_source != POOL_SIZE_FROM_CALLER || __builtin_expect(pool->limited, 0)) {
    free_slowly(pool, buffer, size, alignment);
    return;
  }
  if (sees(pool, buffer))
    counters_freed(pool_number(pool), size);
  pool->config.backend->free(buffer, (size_t)size, (size_t)alignment);
}

void pool_note_allocated(arrowpool_pool *pool, int64_t size) {
  counters_allocated(pool_number(pool), size > 0 ? size : 1);
}

void pool_note_failed(arrowpool_pool *pool) { counters_failed(pool_number(pool)); }
