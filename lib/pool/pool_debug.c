/* See pool_debug.h. */
#include "pool/pool_debug.h"

#include "pool/pool_table.h"

#include <string.h>

pool_config pool_debug_config(pool_config config) {
  if (guard_mode != ARROWPOOL_DEBUG_OFF) {
    config.backend = guard_over(config.backend);
    if (config.size_source == POOL_SIZE_FROM_CALLER)
      config.size_source = POOL_SIZE_FROM_CALLER_DEBUG;
    else if (config.size_source == POOL_SIZE_FROM_BACKEND)
      config.size_source = POOL_SIZE_FROM_BACKEND_DEBUG;
  }
  return config;
}

/* Whether the buffer will come back to the pool. */
static bool comes_back(const arrowpool_pool *pool, const void *buffer) {
  return pool_get_config(pool)->frees == POOL_ALL_FREES_PASS || range_owns(buffer);
}

void pool_debug_enter(const arrowpool_pool *pool, void *buffer, int64_t size, int64_t alignment) {
  if (comes_back(pool, buffer))
    guard_enter(&(guard_buffer){.address = buffer,
                                .size = (size_t)size,
                                .alignment = (size_t)alignment,
                                .pool = pool_name(pool),
                                .told = pool_get_config(pool)->size_source == POOL_SIZE_FROM_CALLER_DEBUG});
}

static bool withdraw(const arrowpool_pool *pool, void *buffer, int64_t size, int64_t alignment,
                     const char *act, guard_buffer *out) {
  return guard_withdraw(&(guard_call){.act = act,
                                      .pool = pool_name(pool),
                                      .backend = pool_get_config(pool)->backend,
                                      .address = buffer,
                                      .size = size,
                                      .alignment = alignment},
                        out);
}

void pool_debug_free(const arrowpool_pool *pool, void *buffer, int64_t size, int64_t alignment) {
  guard_buffer known;
  if (!withdraw(pool, buffer, size, alignment, "free", &known))
    return;
  counters_freed(pool_number(pool), (int64_t)known.size);
  pool_get_config(pool)->backend->free(buffer, known.size, known.alignment);
  if (pool_is_limited(pool))
    limits_uncharge(pool_number(pool), (int64_t)known.size);
}

/* In place of a buffer that is not the pool's, which stays as it is: its contents as far as they are known.
 */
static arrowpool_status allocate_instead(arrowpool_pool *pool, int64_t size, int64_t alignment,
                                         const guard_buffer *old, void **buffer) {
  arrowpool_status status = pool_allocate(pool, size, alignment, buffer);
  if (status != ARROWPOOL_OK)
    return status;
  size_t kept = old->size < (size_t)size ? old->size : (size_t)size;
  if (kept)
    memcpy(*buffer, old->address, kept);
  memset((char *)*buffer + kept, 0, (size_t)size - kept);
  return ARROWPOOL_OK;
}

arrowpool_status pool_debug_reallocate(arrowpool_pool *pool, int64_t old_size, int64_t new_size,
                                       int64_t alignment, void **buffer) {
  const backend *b = pool_get_config(pool)->backend;
  guard_buffer known;
  backend_resize how;
  if (!withdraw(pool, *buffer, old_size, alignment, "reallocate", &known))
    return allocate_instead(pool, new_size, alignment, &known, buffer);
  int64_t growth = new_size - (int64_t)known.size, charged = pool_is_limited(pool) && growth > 0 ? growth : 0;
  if (!pool_charge(pool, charged)) {
    guard_enter(&known);
    return pool_refuse(pool, growth);
  }
  void *resized = backend_reallocate(b, *buffer, known.size, (size_t)new_size, known.alignment, &how);
  if (!resized) {
    limits_uncharge(pool_number(pool), charged);
    guard_enter(&known);
    return pool_refuse(pool, growth);
  }
  *buffer = resized;
  pool_debug_enter(pool, resized, new_size, (int64_t)known.alignment);
  bool counts = comes_back(pool, resized);
  if (counts)
    counters_reallocated(pool_number(pool), (int64_t)known.size, new_size, pool_kinds[how]);
  else
    counters_freed(pool_number(pool), (int64_t)known.size);
  if (pool_is_limited(pool))
    limits_uncharge(pool_number(pool), (int64_t)known.size + charged - (counts ? new_size : 0));
  if (how != BACKEND_IN_PLACE && !backend_owns(b, resized))
    counters_fell_back(pool_number(pool));
  return ARROWPOOL_OK;
}
