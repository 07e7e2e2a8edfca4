/* What the guard knows of each buffer: who handed it out, and what was asked for. Kept beside the buffers,
 * where an overrun cannot reach it. Of freed buffers the latest are kept, a newer one in an older one's
 * place.
 *
 * Shards by address, each with a lock of locks.h, in memory straight from the kernel. */
#ifndef ARROWPOOL_POOL_GUARD_TABLE_H
#define ARROWPOOL_POOL_GUARD_TABLE_H

#include <stdbool.h>
#include <stddef.h>

typedef struct guard_buffer {
  void *address; /* NULL: no buffer */
  size_t size, alignment;
  const char *pool; /* the name of the pool that handed it out, which stays where it is */
  bool told;        /* the pool's callers tell size and alignment again */
} guard_buffer;

/* A buffer is live from here on. False if there is no memory to keep it. */
bool guard_table_enter(const guard_buffer *b);

/* The live buffer, or one lately freed; address NULL: neither. */
typedef struct guard_record {
  guard_buffer live, freed;
} guard_record;
guard_record guard_table_find(const void *address);

/* Whether there is a live buffer at the address: without a lock, since strangers may be freed in a signal
 * handler, in a fork's handlers, or in a process where nobody will open the lock; but for the memory for a
 * mark, which may be lacking. */
bool guard_table_is_live(const void *address);

/* Likewise; and a live buffer of that pool counts as freed from here on. */
guard_record guard_table_free(const void *address, const char *pool);

/* Call back for live buffers, with the shard's lock held, until that returns true; false if it never did. */
bool guard_table_any(bool (*is_it)(const guard_buffer *b, void *context), void *context);

#endif
