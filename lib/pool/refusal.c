/* Writes why a request was refused, and what a pool holds. */
#include "pool/refusal.h"

#include "base/writer.h"

void refusal_describe(const arrowpool_pool *pool, int64_t old_size, int64_t new_size, char *out) {
  pool_headroom limit = pool_headroom_for(pool, old_size, new_size);
  writer w;
  *out = 0;
  writer_init(&w, writer_keep, &(writer_kept){out, REFUSAL_BYTES, 0});
  if (old_size)
    writer_print(&w, "realloc of %ld to %ld failed", old_size, new_size);
  else
    writer_print(&w, "malloc of size %ld failed", new_size);
  if (limit.refuses == LIMITS_OF_ALL)
    writer_print(&w, ": all pools together have %s of their limit of %s%s%s", SIZE_TEXT(limit.live),
                 SIZE_TEXT(limit.most), limit.source ? ", " : "", limit.source ? limit.source : "");
  else if (limit.refuses == LIMITS_OF_POOL)
    writer_print(&w, ": pool %s has %s of its limit of %s", pool_name(pool), SIZE_TEXT(limit.live),
                 SIZE_TEXT(limit.most));
  writer_finish(&w);
}

void refusal_describe_pool(const pool_view *pool, char *out) {
  writer w;
  *out = 0;
  writer_init(&w, writer_keep, &(writer_kept){out, REFUSAL_BYTES, 0});
  if (pool->stats.bytes_allocated == ARROWPOOL_UNKNOWN)
    writer_print(&w, "%s: not known, and not limited", pool->name);
  else
    writer_print(&w, "%s: %s live, peak %s", pool->name, SIZE_TEXT(pool->stats.bytes_allocated),
                 SIZE_TEXT(pool->stats.max_memory));
  writer_finish(&w);
}
