/* Asks the guard for the sizes of live buffers, which it knows in a debug mode. */
#include "pool/pool_sizes.h"

void pool_sizes_guard(const arrowpool_pool *pool, void *buffer, int64_t size, int64_t alignment) {
  guard_enter(&(guard_buffer){.address = buffer,
                              .size = (size_t)size,
                              .alignment = (size_t)alignment,
                              .pool = pool_name(pool),
                              .told = pool->config.size_source == POOL_SIZE_FROM_CALLER_DEBUG});
}

bool pool_sizes_unguard(const arrowpool_pool *pool, void *buffer, int64_t size, int64_t alignment,
                        const char *act, pool_held *out) {
  guard_buffer known;
  bool is_ours = guard_withdraw(&(guard_call){.act = act,
                                              .pool = pool_name(pool),
                                              .backend = pool->config.backend,
                                              .address = buffer,
                                              .size = size,
                                              .alignment = alignment},
                                &known);
  *out = (pool_held){(int64_t)known.size, (int64_t)known.alignment};
  return is_ours;
}
