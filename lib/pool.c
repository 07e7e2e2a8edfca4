/* See pool.h. */
#include "pool.h"

#include "counters.h"
#include "gate.h"

#include <stdatomic.h>
#include <string.h>

_Static_assert(POOL_COUNT == COUNTERS_POOLS, "a pool's place in the table is its number in the counters");

typedef enum life { UNUSED, OPEN, DESTROYED } life;

struct arrowpool_pool {
  pool_config config;
  _Atomic int life;
  char name[ARROWPOOL_NAME_MAX + 3]; /* with the prefix "c:" and the NUL */
};

static arrowpool_pool pools[POOL_COUNT] = {
    [POOL_JEMALLOC] = {{&backend_jemalloc, POOL_TOLD, POOL_SEES_ALL}, OPEN, "c:jemalloc"},
    [POOL_SYSTEM] = {{&backend_system, POOL_TOLD, POOL_SEES_ALL}, OPEN, "c:system"},
};

arrowpool_pool *pool_built_in(int which) { return &pools[which]; }

const char *pool_name(const arrowpool_pool *pool) { return pool->name; }

const pool_config *pool_get_config(const arrowpool_pool *pool) { return &pool->config; }

arrowpool_pool *pool_at(unsigned index) {
  return index < POOL_COUNT && atomic_load_explicit(&pools[index].life, memory_order_acquire) != UNUSED
             ? &pools[index]
             : NULL;
}

static unsigned number_of(const arrowpool_pool *pool) { return (unsigned)(pool - pools); }

/* ---- create, destroy ---- */

/* Destroyed, and its last buffer freed: nobody can use it any more. */
static bool is_over(const arrowpool_pool *pool) {
  counters_sum sum;
  if (atomic_load(&pool->life) != DESTROYED)
    return false;
  counters_read(number_of(pool), &sum);
  return sum.values.bytes_allocated == 0;
}

/* The entry for a new pool: that of its name, else an unused one, else one that is over. */
static arrowpool_status find_entry(const char *name, arrowpool_pool **out) {
  arrowpool_pool *unused = NULL, *over = NULL;
  for (arrowpool_pool *p = pools; p < pools + POOL_COUNT; p++) {
    if (atomic_load(&p->life) == UNUSED) {
      if (!unused)
        unused = p;
    } else if (strcmp(p->name, name) == 0) {
      *out = p;
      return is_over(p) ? ARROWPOOL_OK : ARROWPOOL_EXISTS;
    } else if (!over && is_over(p)) {
      over = p;
    }
  }
  *out = unused ? unused : over;
  return *out ? ARROWPOOL_OK : ARROWPOOL_OUT_OF_MEMORY;
}

arrowpool_status pool_create(const char *name, pool_config config, arrowpool_pool **out) {
  arrowpool_pool *pool;
  if (strlen(name) >= sizeof pool->name)
    return ARROWPOOL_INVALID;
  gate_lock(GATE_POOLS);
  arrowpool_status status = find_entry(name, &pool);
  if (status == ARROWPOOL_OK) {
    if (strcmp(pool->name, name) != 0) {
      counters_reset(number_of(pool));
      strcpy(pool->name, name);
    }
    pool->config = config;
    atomic_store_explicit(&pool->life, OPEN, memory_order_release);
    *out = pool;
  }
  gate_unlock(GATE_POOLS);
  return status;
}

void pool_destroy(arrowpool_pool *pool) {
  if (pool && number_of(pool) != POOL_JEMALLOC && number_of(pool) != POOL_SYSTEM)
    atomic_store(&pool->life, DESTROYED);
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
static bool sees(const arrowpool_pool *pool, const void *buffer) {
  return pool->config.sight == POOL_SEES_ALL || pool->config.backend->owns(buffer);
}

/* What a buffer of the requested size counts for (bytes). */
static int64_t take_note(const arrowpool_pool *pool, void *buffer, int64_t size) {
  return pool->config.basis == POOL_TOLD ? size
                                         : (int64_t)pool->config.backend->remember(buffer, (size_t)size);
}

static void count_allocated(arrowpool_pool *pool, void *buffer, int64_t size) {
  if (!pool->config.backend->owns(buffer))
    counters_fell_back(number_of(pool));
  if (sees(pool, buffer))
    counters_allocated(number_of(pool), take_note(pool, buffer, size));
}

arrowpool_status pool_allocate(arrowpool_pool *pool, int64_t size, int64_t alignment, void **out) {
  if (__builtin_expect(!is_valid(size, alignment), 0))
    return ARROWPOOL_INVALID;
  if (__builtin_expect(atomic_load_explicit(&pool->life, memory_order_relaxed) != OPEN, 0))
    return ARROWPOOL_INVALID;
  if (__builtin_expect(size == 0, 0)) {
    *out = zero_size_buffer(alignment);
    return ARROWPOOL_OK;
  }
  void *buffer = pool->config.backend->allocate((size_t)size, (size_t)alignment);
  if (__builtin_expect(!buffer, 0)) {
    counters_failed(number_of(pool));
    return ARROWPOOL_OUT_OF_MEMORY;
  }
  count_allocated(pool, buffer, size);
  *out = buffer;
  return ARROWPOOL_OK;
}

arrowpool_status pool_reallocate(arrowpool_pool *pool, int64_t old_size, int64_t new_size, int64_t alignment,
                                 void **buffer) {
  static const counters_kind kinds[] = {[BACKEND_IN_PLACE] = COUNTERS_IN_PLACE,
                                        [BACKEND_REMAPPED] = COUNTERS_REMAPPED,
                                        [BACKEND_COPIED] = COUNTERS_COPIED};
  const backend *b = pool->config.backend;
  if (alignment == 0 && old_size != 0)
    alignment = (int64_t)b->alignment(*buffer);
  if (!is_valid(new_size, alignment) || (old_size != POOL_SIZE_UNKNOWN && !is_valid(old_size, alignment)))
    return ARROWPOOL_INVALID;
  if (old_size == 0)
    return pool_allocate(pool, new_size, alignment, buffer);
  if (new_size == 0) {
    pool_free(pool, *buffer, old_size, alignment);
    *buffer = zero_size_buffer(alignment);
    return ARROWPOOL_OK;
  }
  size_t kept = (size_t)old_size;
  if (pool->config.basis == POOL_REMEMBERED) {
    old_size = (int64_t)b->recall(*buffer);
    kept = b->usable_size(*buffer); /* the program may know it, and use it */
  }
  backend_resize how;
  void *resized = b->reallocate(*buffer, kept, (size_t)new_size, (size_t)alignment, &how);
  if (!resized) {
    counters_failed(number_of(pool));
    return ARROWPOOL_OUT_OF_MEMORY;
  }
  *buffer = resized;
  if (sees(pool, resized)) {
    counters_reallocated(number_of(pool), old_size, take_note(pool, resized, new_size), kinds[how]);
  } else { /* it left our sight: from here on it is a stranger's */
    counters_freed(number_of(pool), old_size);
  }
  if (how != BACKEND_IN_PLACE && !b->owns(resized))
    counters_fell_back(number_of(pool));
  return ARROWPOOL_OK;
}

void pool_free(arrowpool_pool *pool, void *buffer, int64_t size, int64_t alignment) {
  const backend *b = pool->config.backend;
  if (__builtin_expect(!buffer || size == 0, 0))
    return;
  bool told = pool->config.basis == POOL_TOLD;
  /* Counted first: once it is freed, another thread may already have it again. */
  if (sees(pool, buffer))
    counters_freed(number_of(pool), told ? size : (int64_t)b->recall(buffer));
  b->free(buffer, told ? (size_t)size : 0, (size_t)alignment);
}

void pool_note_allocated(arrowpool_pool *pool, int64_t size) {
  counters_allocated(number_of(pool), size > 0 ? size : 1);
}

void pool_note_failed(arrowpool_pool *pool) { counters_failed(number_of(pool)); }

/* ---- statistics ---- */

bool pool_counts_requested(const arrowpool_pool *pool) {
  return pool->config.basis == POOL_TOLD || pool->config.backend == &backend_jemalloc;
}

bool pool_was_used(const arrowpool_pool *pool) {
  counters_sum sum;
  counters_read(number_of(pool), &sum);
  return sum.values.num_allocations || sum.values.num_frees || sum.values.num_failed ||
         sum.values.num_fallbacks || sum.values.num_reallocations || sum.inherited_bytes;
}

void pool_read(const arrowpool_pool *pool, arrowpool_stats *out) {
  counters_sum sum;
  counters_read(number_of(pool), &sum);
#define X(name, unit, help) out->name = sum.values.name;
  COUNTERS_FIELDS(X)
#undef X
  out->struct_size = sizeof *out;
  out->max_memory = sum.max_memory;
  out->inherited_bytes = sum.inherited_bytes;
  memcpy(out->size_histogram, sum.values.size_histogram, sizeof out->size_histogram);
  if (pool->config.sight == POOL_SEES_OWN && pool->config.backend == &backend_system) {
    out->bytes_allocated = out->max_memory = out->num_frees = out->inherited_bytes = ARROWPOOL_UNKNOWN;
    out->num_reallocations = out->reallocs_in_place = out->reallocs_remapped = out->reallocs_copied =
        ARROWPOOL_UNKNOWN;
    out->bytes_grown_in_place = out->bytes_remapped = out->bytes_copied = ARROWPOOL_UNKNOWN;
  }
}
