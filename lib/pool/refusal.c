/* Writes why a request was refused, and what a pool holds. */
#include "pool/refusal.h"

#include "base/writer.h"

static void write_size(writer *w, int64_t size) {
  char text[24];
  writer_bytes(w, text, writer_format_size(text, size));
}

void refusal_describe(const arrowpool_pool *pool, int64_t old_size, int64_t new_size, char *out) {
  pool_headroom limit = pool_headroom_for(pool, old_size, new_size);
  writer w;
  *out = 0;
  writer_init(&w, writer_keep, &(writer_kept){out, REFUSAL_BYTES, 0});
  writer_text(&w, old_size ? "realloc of " : "malloc of size ");
  if (old_size) {
    writer_int(&w, old_size);
    writer_text(&w, " to ");
  }
  writer_int(&w, new_size);
  writer_text(&w, " failed");
  if (limit.refuses != LIMITS_NONE) {
    writer_text(&w, limit.refuses == LIMITS_OF_ALL ? ": pools have " : ": pool ");
    if (limit.refuses == LIMITS_OF_POOL) {
      writer_text(&w, pool_name(pool));
      writer_text(&w, " has ");
    }
    write_size(&w, limit.live);
    writer_text(&w,
                limit.refuses == LIMITS_OF_ALL ? " of the limit over all of them, " : " of its limit of ");
    write_size(&w, limit.most);
  }
  writer_finish(&w);
}

void refusal_describe_pool(const pool_view *pool, char *out) {
  writer w;
  *out = 0;
  writer_init(&w, writer_keep, &(writer_kept){out, REFUSAL_BYTES, 0});
  writer_text(&w, pool->name);
  writer_text(&w, ": ");
  if (pool->stats.bytes_allocated == ARROWPOOL_UNKNOWN) {
    writer_text(&w, "not known, and not limited");
  } else {
    write_size(&w, pool->stats.bytes_allocated);
    writer_text(&w, " live, peak ");
    write_size(&w, pool->stats.max_memory);
  }
  writer_finish(&w);
}
