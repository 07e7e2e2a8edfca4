/* Pools are the only place that validates, applies the zero-size rule, chooses the backend and counts.
 *
 * Pools live in one static table, for ever; a destroyed pool's entry is taken again under the same name, or
 * under another when the table is full. Hooks (api.c here, the shim's there) translate and call; nothing else
 * does. Allocation takes no lock. */
#ifndef ARROWPOOL_POOL_POOL_H
#define ARROWPOOL_POOL_POOL_H

#include "arrowpool.h"
#include "counters/counters.h"
#include "counters/limits.h"
#include "memory/backend.h"
#include "pool/guard.h"
#include "pool/pool_view.h"

/* It is for pool_reallocate and pool_free of pools that remember sizes. */
#define POOL_SIZE_UNKNOWN INT64_C(-1)

/* Says what bytes_allocated counts. */
typedef enum pool_size_source {
  POOL_SIZE_FROM_CALLER,       /* what callers asked for: they tell it again when they free */
  POOL_SIZE_FROM_BACKEND,      /* what the backend remembers: its callers do not tell */
  POOL_SIZE_FROM_CALLER_DEBUG, /* likewise, in a debug mode: the guard knows */
  POOL_SIZE_FROM_BACKEND_DEBUG
} pool_size_source;

/* Says which of the pool's buffers are freed where the pool can see it. */
typedef enum pool_frees {
  POOL_ALL_FREES_PASS,
  POOL_OWN_FREES_PASS /* only those its backend owns: the others are freed past us, among pointers of
                         strangers */
} pool_frees;

typedef struct pool_config {
  const backend *backend;
  pool_size_source size_source;
  pool_frees frees;
  int64_t limit_bytes; /* the most live; 0: no limit but that over all pools */
  bool is_found;       /* pool_found_by finds it by its buffers, whose sizes the backend knows */
} pool_config;

/* The built-in pools are made before anything else. */
enum { POOL_JEMALLOC, POOL_SYSTEM };
arrowpool_pool *pool_built_in(int which);

/* Has all pools guarded from here on (guard.h). Returns false if pools are in use or another mode holds. */
bool pool_set_debug(arrowpool_debug mode, guard_tell tell);

/* Makes a pool of that full name ("libc", "arrow.mimalloc", "c:NAME"), or opens a destroyed one again. */
arrowpool_status pool_create(const char *name, pool_config config, arrowpool_pool **out);
void pool_destroy(arrowpool_pool *pool);

const char *pool_name(const arrowpool_pool *pool);
const pool_config *pool_get_config(const arrowpool_pool *pool);

/* Returns the pool, of those that can be found by their buffers, that a live buffer at the address belongs
 * to; NULL: no such one. backend_jemalloc_keep_owners was called before any was made. */
arrowpool_pool *pool_found_by(const void *address);

/* They work as in arrowpool.h; a pool whose callers do not tell sizes takes POOL_SIZE_UNKNOWN for old_size
 * and size. The alignment is a power of two; 0 in pool_reallocate keeps the buffer's own. */
arrowpool_status pool_allocate(arrowpool_pool *pool, int64_t size, int64_t alignment, void **out);
arrowpool_status pool_reallocate(arrowpool_pool *pool, int64_t old_size, int64_t new_size, int64_t alignment,
                                 void **buffer);
void pool_free(arrowpool_pool *pool, void *buffer, int64_t size, int64_t alignment);

/* Limits what is live in the pool from now on (bytes; 0: no limit but that over all pools), exactly: a
 * request of another thread that had begun before may still be served, and counts. Returns false if the pool
 * is destroyed, or does not know what is live. */
bool pool_set_limit(arrowpool_pool *pool, int64_t limit_bytes);

/* Returns whether its buffers count for a limit. */
bool pool_is_limited(const arrowpool_pool *pool);

/* Limits what is live in all pools together that know it (bytes). `source`
 * says where the limit is from, and is kept; NULL: there is nothing to say. */
void pool_limit_all(int64_t most, const char *source);

/* Says which limit stands in the way of a request, if one does, and what is live under it (bytes). An
 * allocation has the old size 0. */
typedef struct pool_headroom {
  limits_scope refuses;
  int64_t live, most;
  const char *source; /* of a limit over all pools; NULL: nobody said it */
} pool_headroom;
pool_headroom pool_headroom_for(const arrowpool_pool *pool, int64_t old_size, int64_t new_size);

/* It is called for each request that fails, with its sizes (bytes; old_size 0: an allocation); no lock is
 * held. NULL: nobody wants to know. */
extern void (*pool_on_refusal)(const arrowpool_pool *pool, int64_t old_size, int64_t new_size);

/* The child of a fork calls it, after counters_fork_child. */
void pool_fork_child(void);

/* They count what a hook had the next allocator do by itself (bytes as requested). */
void pool_note_allocated(arrowpool_pool *pool, int64_t size);
void pool_note_failed(arrowpool_pool *pool);

/* Reads statistics; what the pool cannot see is ARROWPOOL_UNKNOWN. It is async-signal-safe. */
void pool_read(const arrowpool_pool *pool, arrowpool_stats *out);

/* Reads what the program is told that asks its pool (counters.h). */
void pool_read_history(const arrowpool_pool *pool, counters_history *out);

/* They return whether the pool at `index` (below POOL_COUNT) was ever asked for memory, and a copy of it, if
 * it was; else `out` holds nothing. They are async-signal-safe. */
bool pool_is_used(unsigned index);
bool pool_view_at(unsigned index, pool_view *out);

#endif
