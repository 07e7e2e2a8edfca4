/* See pool.h. */
#include "pool.h"

#include "gate.h"

#include <stdatomic.h>
#include <string.h>

_Static_assert(POOL_COUNT == COUNTERS_POOLS, "a pool's place in the table is its number in the counters");

typedef enum life { UNUSED, OPEN, DESTROYED } life;

#define NAME_WORDS ((ARROWPOOL_NAME_MAX + 3 + 7) / 8) /* with the prefix "c:" and the NUL */

/* An entry changes its name and configuration only while nobody can use the pool; reports may read it all the
 * same, and notice by `version`, which is odd during the change. */
struct arrowpool_pool {
  _Alignas(128) pool_config config; /* a power of two in size: its number is a shift away */
  _Atomic int life;
  _Atomic unsigned version;
  union {
    char text[NAME_WORDS * 8];
    _Atomic uint64_t words[NAME_WORDS];
  } name;
};

static arrowpool_pool pools[POOL_COUNT] = {
    [POOL_JEMALLOC] = {{&backend_jemalloc, POOL_TOLD, POOL_SEES_ALL}, OPEN, 0, {"c:jemalloc"}},
    [POOL_SYSTEM] = {{&backend_system, POOL_TOLD, POOL_SEES_ALL}, OPEN, 0, {"c:system"}},
};

arrowpool_pool *pool_built_in(int which) { return &pools[which]; }

const char *pool_name(const arrowpool_pool *pool) { return pool->name.text; }

const pool_config *pool_get_config(const arrowpool_pool *pool) { return &pool->config; }

static unsigned number_of(const arrowpool_pool *pool) { return (unsigned)(pool - pools); }

/* ---- create, destroy ---- */

/* Destroyed, and its last buffer freed: nobody can use it any more. */
static bool is_over(const arrowpool_pool *pool) {
  return atomic_load(&pool->life) == DESTROYED && counters_all_freed(number_of(pool));
}

/* The entry for a new pool: that of its name, else an unused one, else one that is over. */
static arrowpool_status find_entry(const char *name, arrowpool_pool **out) {
  arrowpool_pool *unused = NULL, *over = NULL;
  for (arrowpool_pool *p = pools; p < pools + POOL_COUNT; p++) {
    if (atomic_load(&p->life) == UNUSED) {
      if (!unused)
        unused = p;
    } else if (strcmp(p->name.text, name) == 0) {
      *out = p;
      return is_over(p) ? ARROWPOOL_OK : ARROWPOOL_EXISTS;
    } else if (!over && is_over(p)) {
      over = p;
    }
  }
  *out = unused ? unused : over;
  return *out ? ARROWPOOL_OK : ARROWPOOL_OUT_OF_MEMORY;
}

static bool counts_requested(pool_config config) {
  return config.basis == POOL_TOLD || config.backend == &backend_jemalloc;
}

/* Whether it knows what is live and what was freed. */
static bool knows_live(pool_config config) {
  return config.sight == POOL_SEES_ALL || config.backend != &backend_system;
}

static void label(const arrowpool_pool *pool) {
  counters_label(number_of(pool), pool_name(pool), pool->config.backend->name, counts_requested(pool->config),
                 knows_live(pool->config));
}

__attribute__((constructor(101))) static void label_built_in_pools(void) {
  label(&pools[POOL_JEMALLOC]);
  label(&pools[POOL_SYSTEM]);
}

static void set_up(arrowpool_pool *pool, const char *name, pool_config config) {
  union {
    char text[NAME_WORDS * 8];
    uint64_t words[NAME_WORDS];
  } padded = {{0}};
  atomic_fetch_add(&pool->version, 1);
  if (strcmp(pool->name.text, name) != 0) {
    counters_reset(number_of(pool));
    strcpy(padded.text, name);
    for (int i = 0; i < NAME_WORDS; i++)
      atomic_store_explicit(&pool->name.words[i], padded.words[i], memory_order_relaxed);
  }
  __atomic_store_n(&pool->config.backend, config.backend, __ATOMIC_RELAXED);
  __atomic_store_n(&pool->config.basis, config.basis, __ATOMIC_RELAXED);
  __atomic_store_n(&pool->config.sight, config.sight, __ATOMIC_RELAXED);
  atomic_fetch_add(&pool->version, 1);
  label(pool);
  atomic_store_explicit(&pool->life, OPEN, memory_order_release);
}

arrowpool_status pool_create(const char *name, pool_config config, arrowpool_pool **out) {
  arrowpool_pool *pool;
  if (strlen(name) >= sizeof pool->name.text)
    return ARROWPOOL_INVALID;
  gate_lock(GATE_POOLS);
  arrowpool_status status = find_entry(name, &pool);
  if (status == ARROWPOOL_OK) {
    set_up(pool, name, config);
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
  return pool->config.sight == POOL_SEES_ALL || backend_owns(pool->config.backend, buffer);
}

/* What a buffer of the requested size counts for (bytes). */
static int64_t take_note(const arrowpool_pool *pool, void *buffer, int64_t size) {
  return pool->config.basis == POOL_TOLD ? size
                                         : (int64_t)pool->config.backend->remember(buffer, (size_t)size);
}

/* What is not told, or not the backend's own. */
static __attribute__((noinline)) void count_allocated_slowly(const arrowpool_pool *pool, void *buffer,
                                                             int64_t size) {
  if (!backend_owns(pool->config.backend, buffer))
    counters_fell_back(number_of(pool));
  if (sees(pool, buffer))
    counters_allocated(number_of(pool), take_note(pool, buffer, size));
}

static __attribute__((noinline, cold)) arrowpool_status allocate_nothing(arrowpool_pool *pool, int64_t size,
                                                                         int64_t alignment, void **out) {
  if (size != 0 || !is_valid(size, alignment) || atomic_load(&pool->life) != OPEN)
    return ARROWPOOL_INVALID;
  *out = zero_size_buffer(alignment);
  return ARROWPOOL_OK;
}

arrowpool_status pool_allocate(arrowpool_pool *pool, int64_t size, int64_t alignment, void **out) {
  if (__builtin_expect(size == 0 || !is_valid(size, alignment) ||
                           atomic_load_explicit(&pool->life, memory_order_relaxed) != OPEN,
                       0))
    return allocate_nothing(pool, size, alignment, out);
  void *buffer = pool->config.backend->allocate((size_t)size, (size_t)alignment);
  if (__builtin_expect(!buffer, 0)) {
    counters_failed(number_of(pool));
    return ARROWPOOL_OUT_OF_MEMORY;
  }
  *out = buffer;
  if (__builtin_expect(pool->config.basis == POOL_TOLD && backend_owns(pool->config.backend, buffer), 1))
    counters_allocated(number_of(pool), size);
  else
    count_allocated_slowly(pool, buffer, size);
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
  if (how != BACKEND_IN_PLACE && !backend_owns(b, resized))
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

/* What the counters and the configuration say. */
static void read_stats(pool_config config, const counters_sum *sum, arrowpool_stats *out) {
#define X(name, unit, help) out->name = sum->values.name;
  COUNTERS_FIELDS(X)
#undef X
  out->struct_size = sizeof *out;
  out->max_memory = sum->max_memory;
  out->inherited_bytes = sum->inherited_bytes;
  memcpy(out->size_histogram, sum->values.size_histogram, sizeof out->size_histogram);
  memcpy(out->live_histogram, sum->values.live_histogram, sizeof out->live_histogram);
  if (!knows_live(config)) {
    out->bytes_allocated = out->max_memory = out->num_frees = out->inherited_bytes = ARROWPOOL_UNKNOWN;
    out->num_reallocations = out->reallocs_in_place = out->reallocs_remapped = out->reallocs_copied =
        ARROWPOOL_UNKNOWN;
    out->bytes_grown_in_place = out->bytes_remapped = out->bytes_copied = ARROWPOOL_UNKNOWN;
    for (int i = 0; i < ARROWPOOL_HISTOGRAM_BUCKETS; i++)
      out->live_histogram[i] = ARROWPOOL_UNKNOWN;
  }
}

void pool_read(const arrowpool_pool *pool, arrowpool_stats *out) {
  counters_sum sum;
  counters_read(number_of(pool), &sum);
  read_stats(pool->config, &sum, out);
}

void pool_read_history(const arrowpool_pool *pool, counters_history *out) {
  counters_read_history(number_of(pool), out);
}

static bool was_used(const counters_sum *sum) {
  return sum->values.num_allocations || sum->values.num_frees || sum->values.num_failed ||
         sum->values.num_fallbacks || sum->values.num_reallocations || sum->inherited_bytes;
}

bool pool_view_at(unsigned index, pool_view *out) {
  const arrowpool_pool *pool = &pools[index];
  uint64_t words[NAME_WORDS];
  counters_sum sum;
  unsigned version = atomic_load(&pool->version);
  if (version % 2 || atomic_load(&pool->life) == UNUSED)
    return false;
  for (int i = 0; i < NAME_WORDS; i++)
    words[i] = atomic_load_explicit(&pool->name.words[i], memory_order_relaxed);
  pool_config config = {__atomic_load_n(&pool->config.backend, __ATOMIC_RELAXED),
                        __atomic_load_n(&pool->config.basis, __ATOMIC_RELAXED),
                        __atomic_load_n(&pool->config.sight, __ATOMIC_RELAXED)};
  counters_read(index, &sum);
  if (!was_used(&sum) || atomic_load(&pool->version) != version)
    return false;
  memcpy(out->name, words, sizeof out->name);
  out->backend = config.backend->name;
  out->counts_requested = counts_requested(config);
  read_stats(config, &sum, &out->stats);
  return true;
}
