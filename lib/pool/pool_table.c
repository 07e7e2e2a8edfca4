/* Creates and destroys pools, sets their limits and reads their statistics. */
#include "pool/pool_table.h"

#include "base/barrier.h"
#include "base/locks.h"

#include <string.h>

arrowpool_pool pool_table[POOL_COUNT] = {
    [POOL_JEMALLOC] = {.config = {.backend = &backend_jemalloc},
                       .life = POOL_OPEN,
                       .quick_allocate = COUNTERS_PLACE(POOL_JEMALLOC),
                       .quick_free = COUNTERS_PLACE(POOL_JEMALLOC),
                       .name = {"c:jemalloc"}},
    [POOL_SYSTEM] = {.config = {.backend = &backend_system}, .life = POOL_OPEN, .name = {"c:system"}},
};
/* There is a limit over all pools, and where it is from; LOCK_POOLS protects them. */
static bool all_limited;
static const char *all_source;

arrowpool_pool *pool_built_in(int which) { return &pool_table[which]; }

const char *pool_name(const arrowpool_pool *pool) { return pool->name.text; }

const pool_config *pool_get_config(const arrowpool_pool *pool) { return &pool->config; }

arrowpool_pool *pool_found_by(const void *address) {
  unsigned number = 0;
  if (guard_mode != ARROWPOOL_DEBUG_OFF) {
    const char *name = guard_pool_of(address);
    for (unsigned i = 0; name && i < POOL_COUNT && !number; i++)
      number = pool_name(&pool_table[i]) == name ? i : 0;
  } else if (range_owns(address)) {
    number = backend_jemalloc_owner(address);
  }
  return number && pool_table[number].config.is_found ? &pool_table[number] : NULL;
}

/* ---- create, destroy ---- */

/* Returns whether it is destroyed, and its last buffer freed: nobody can use it any more. */
static bool is_over(const arrowpool_pool *pool) {
  return atomic_load(&pool->life) == POOL_DESTROYED && counters_all_freed(pool_number(pool));
}

/* Finds the entry for a new pool: that of its name, else an unused one, else one that is over. */
static arrowpool_status find_entry(const char *name, arrowpool_pool **out) {
  arrowpool_pool *unused = NULL, *over = NULL;
  for (arrowpool_pool *p = pool_table; p < pool_table + POOL_COUNT; p++) {
    if (atomic_load(&p->life) == POOL_UNUSED) {
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
  return config.size_source != POOL_SIZE_FROM_BACKEND || config.backend == &backend_jemalloc;
}

/* Returns whether it knows what is live and what was freed. */
static bool knows_live(pool_config config) {
  return config.frees == POOL_ALL_FREES_PASS || config.backend->owned;
}

static void pool_table_label(const arrowpool_pool *pool) {
  counters_label(pool_number(pool), pool_name(pool), pool->config.backend->name,
                 counts_requested(pool->config), knows_live(pool->config), pool->config.limit_bytes);
}

static void open_quick_way(arrowpool_pool *pool, bool told, bool noted) {
  unsigned place = COUNTERS_PLACE(pool_number(pool));
  atomic_store_explicit(&pool->quick_allocate, told ? place : 0, memory_order_relaxed);
  atomic_store_explicit(&pool->quick_free, told ? place : 0, memory_order_relaxed);
  atomic_store_explicit(&pool->quick_noted, noted ? place : 0, memory_order_relaxed);
}

/* Charges the pool from now on, for what is live already as well. `in_use`: other threads may use it, and an
 * event of theirs that began before is charged as it is counted. */
static void put_under_limit(arrowpool_pool *pool, bool in_use) {
  int open = POOL_OPEN;
  open_quick_way(pool, false, false);
  if (!pool_is_charged(pool)) {
    counters_be_exact(pool_number(pool));
    atomic_store_explicit(&pool->limited, true, memory_order_release);
    atomic_compare_exchange_strong(&pool->life, &open, POOL_OPEN_LIMITED);
    if (in_use)
      barrier_of_all_threads();
    counters_charge(pool_number(pool));
  }
  limits_set(pool_number(pool), pool->config.limit_bytes ? pool->config.limit_bytes : LIMITS_UNLIMITED);
}

__attribute__((constructor(101))) static void label_built_in_pools(void) {
  pool_table_label(&pool_table[POOL_JEMALLOC]);
  pool_table_label(&pool_table[POOL_SYSTEM]);
}

/* In a debug mode every pool's backend has the guard in front of it, which then knows the sizes. */
static pool_config guarded(pool_config config) {
  if (guard_mode != ARROWPOOL_DEBUG_OFF) {
    config.backend = guard_over(config.backend);
    if (config.size_source == POOL_SIZE_FROM_CALLER)
      config.size_source = POOL_SIZE_FROM_CALLER_DEBUG;
    else if (config.size_source == POOL_SIZE_FROM_BACKEND)
      config.size_source = POOL_SIZE_FROM_BACKEND_DEBUG;
  }
  return config;
}

static void set_up(arrowpool_pool *pool, const char *name, pool_config config) {
  union {
    char text[POOL_NAME_WORDS * 8];
    uint64_t words[POOL_NAME_WORDS];
  } padded = {{0}};
  config = guarded(config);
  atomic_fetch_add(&pool->version, 1);
  if (strcmp(pool->name.text, name) != 0) {
    counters_reset(pool_number(pool));
    strcpy(padded.text, name);
    for (size_t i = 0; i < POOL_NAME_WORDS; i++)
      atomic_store_explicit(&pool->name.words[i], padded.words[i], memory_order_relaxed);
  }
  __atomic_store_n(&pool->config.backend, config.backend, __ATOMIC_RELAXED);
  __atomic_store_n(&pool->config.size_source, config.size_source, __ATOMIC_RELAXED);
  __atomic_store_n(&pool->config.frees, config.frees, __ATOMIC_RELAXED);
  __atomic_store_n(&pool->config.limit_bytes, config.limit_bytes, __ATOMIC_RELAXED);
  pool->config.is_found = config.is_found;
  atomic_fetch_add(&pool->version, 1);
  pool_table_label(pool);
  bool ours = config.backend == &backend_jemalloc;
  open_quick_way(pool, ours && config.size_source == POOL_SIZE_FROM_CALLER,
                 ours && config.size_source == POOL_SIZE_FROM_BACKEND);
  if ((all_limited || config.limit_bytes || pool_is_charged(pool)) && knows_live(config))
    put_under_limit(pool, false);
  atomic_store_explicit(&pool->life, pool_is_charged(pool) ? POOL_OPEN_LIMITED : POOL_OPEN,
                        memory_order_release);
}

arrowpool_status pool_create(const char *name, pool_config config, arrowpool_pool **out) {
  arrowpool_pool *pool;
  if (strlen(name) >= sizeof pool->name.text)
    return ARROWPOOL_INVALID;
  locks_acquire(LOCK_POOLS);
  arrowpool_status status = find_entry(name, &pool);
  if (status == ARROWPOOL_OK) {
    set_up(pool, name, config);
    *out = pool;
  }
  locks_release(LOCK_POOLS);
  return status;
}

bool pool_set_debug(arrowpool_debug mode, guard_tell tell) {
  locks_acquire(LOCK_POOLS);
  bool unused = guard_mode == ARROWPOOL_DEBUG_OFF;
  for (const arrowpool_pool *p = pool_table; p < pool_table + POOL_COUNT; p++)
    unused = unused && (p <= &pool_table[POOL_SYSTEM] ? !counters_is_used(pool_number(p))
                                                      : atomic_load(&p->life) == POOL_UNUSED);
  if (unused && mode != ARROWPOOL_DEBUG_OFF) {
    guard_start(mode, tell);
    for (arrowpool_pool *p = pool_table; p <= &pool_table[POOL_SYSTEM]; p++)
      set_up(p, pool_name(p), p->config);
  }
  locks_release(LOCK_POOLS);
  return guard_mode == mode;
}

void pool_destroy(arrowpool_pool *pool) {
  if (pool && pool_number(pool) != POOL_JEMALLOC && pool_number(pool) != POOL_SYSTEM) {
    atomic_store(&pool->quick_allocate, 0);
    atomic_store(&pool->life, POOL_DESTROYED);
  }
}

/* ---- limits ---- */

bool pool_is_limited(const arrowpool_pool *pool) { return pool_is_charged(pool); }

void pool_limit_all(int64_t most, const char *source) {
  locks_acquire(LOCK_POOLS);
  all_limited = true;
  all_source = source;
  for (arrowpool_pool *p = pool_table; p < pool_table + POOL_COUNT; p++)
    if (atomic_load(&p->life) != POOL_UNUSED && knows_live(p->config))
      put_under_limit(p, counters_is_used(pool_number(p)));
  limits_set_all(most);
  locks_release(LOCK_POOLS);
}

bool pool_set_limit(arrowpool_pool *pool, int64_t limit_bytes) {
  locks_acquire(LOCK_POOLS);
  int life = atomic_load(&pool->life);
  bool can = (life == POOL_OPEN || life == POOL_OPEN_LIMITED) && knows_live(pool->config);
  if (can) {
    __atomic_store_n(&pool->config.limit_bytes, limit_bytes, __ATOMIC_RELAXED);
    if (limit_bytes || pool_is_charged(pool))
      put_under_limit(pool, true);
    pool_table_label(pool);
  }
  locks_release(LOCK_POOLS);
  return can;
}

int64_t pool_most_counted(const arrowpool_pool *pool, int64_t size) {
  int64_t most;
  if (pool->config.size_source != POOL_SIZE_FROM_BACKEND || pool->config.frees == POOL_OWN_FREES_PASS)
    return size;
  return __builtin_add_overflow(size, size / 4 + 65536, &most) ? INT64_MAX : most;
}

pool_headroom pool_headroom_for(const arrowpool_pool *pool, int64_t old_size, int64_t new_size) {
  int64_t bytes = pool_most_counted(pool, new_size) - old_size;
  pool_headroom own = {LIMITS_OF_POOL, limits_charged(pool_number(pool)), limits_of(pool_number(pool)), NULL},
                all = {LIMITS_OF_ALL, limits_charged_to_all(), limits_of_all(), all_source};
  bool grows = bytes > 0;
  return grows && own.live > own.most - bytes   ? own
         : grows && all.live > all.most - bytes ? all
                                                : (pool_headroom){LIMITS_NONE, 0, 0, NULL};
}

/* In the child of a fork, threads that are not there may have left charges for buffers they never got. */
void pool_fork_child(void) {
  static arrowpool_stats stats; /* an alternate signal stack has no room for it, and there is one thread */
  for (arrowpool_pool *p = pool_table; p < pool_table + POOL_COUNT; p++)
    if (pool_is_charged(p)) {
      counters_read(pool_number(p), &stats);
      limits_restate(pool_number(p), stats.bytes_allocated);
    }
}

/* ---- statistics ---- */

/* Reads the counters. What the pool does not see is not known, and the limit is of the configuration. */
static void read_stats(unsigned number, pool_config config, arrowpool_stats *out) {
  counters_read(number, out);
  if (config.limit_bytes)
    out->limit_bytes = config.limit_bytes;
  if (!knows_live(config))
    pool_view_hide_frees(out);
}

/* Reads what may change meanwhile: the limit, and of an entry that nobody can use, all. */
static pool_config read_config(const arrowpool_pool *pool) {
  return (pool_config){__atomic_load_n(&pool->config.backend, __ATOMIC_RELAXED),
                       __atomic_load_n(&pool->config.size_source, __ATOMIC_RELAXED),
                       __atomic_load_n(&pool->config.frees, __ATOMIC_RELAXED),
                       __atomic_load_n(&pool->config.limit_bytes, __ATOMIC_RELAXED), false};
}

void pool_read(const arrowpool_pool *pool, arrowpool_stats *out) {
  read_stats(pool_number(pool), read_config(pool), out);
}

void pool_read_history(const arrowpool_pool *pool, counters_history *out) {
  counters_read_history(pool_number(pool), out);
}

bool pool_is_used(unsigned index) {
  return atomic_load(&pool_table[index].life) != POOL_UNUSED && counters_is_used(index);
}

bool pool_view_at(unsigned index, pool_view *out) {
  const arrowpool_pool *pool = &pool_table[index];
  unsigned version = atomic_load(&pool->version);
  if (version % 2 || !pool_is_used(index))
    return false;
  for (size_t i = 0; i < POOL_NAME_WORDS; i++) {
    uint64_t word = atomic_load_explicit(&pool->name.words[i], memory_order_relaxed);
    memcpy(out->name + i * sizeof word, &word, sizeof word);
  }
  pool_config config = read_config(pool);
  strcpy(out->backend, config.backend->name);
  out->counts_requested = counts_requested(config);
  read_stats(index, config, &out->stats);
  counters_read_end(index, &out->end);
  if (!knows_live(config))
    pool_view_hide_end(&out->end);
  return atomic_load(&pool->version) == version;
}
