/* The guard keeps what it knows of each buffer, who handed it out and what was asked for, beside the buffers,
 * where an overrun cannot reach it. Of freed buffers the latest are kept, a newer one in an older one's
 * place.
 *
 * The table has shards by address, each with a lock of base/locks.h, in memory straight from the kernel. */
#ifndef ARROWPOOL_POOL_GUARD_TABLE_H
#define ARROWPOOL_POOL_GUARD_TABLE_H

#include <stdbool.h>
#include <stddef.h>

typedef struct guard_buffer {
  void *address; /* NULL: there is no buffer */
  size_t size, alignment;
  const char *pool; /* the name of the pool that handed it out, which stays where it is */
  bool told;        /* the pool's callers tell size and alignment again */
} guard_buffer;

/* Takes a buffer as live from here on. Returns false if there is no memory to keep it. */
bool guard_table_enter(const guard_buffer *b);

/* It is the live buffer, or one lately freed; address NULL: neither. */
typedef struct guard_record {
  guard_buffer live, freed;
} guard_record;
guard_record guard_table_find(const void *address);

/* Returns whether there is a live buffer at the address: without a lock, since strangers may be freed in a
 * signal handler, in a fork's handlers, or in a process where nobody will open the lock; but for the memory
 * for a mark, which may be lacking. */
bool guard_table_is_live(const void *address);

/* Finds it likewise; and a live buffer of that pool counts as freed from here on. */
guard_record guard_table_free(const void *address, const char *pool);

/* Calls back for live buffers, under the shard's lock, until that returns true. Returns whether it did. */
bool guard_table_any(bool (*is_it)(const guard_buffer *b, void *context), void *context);

#endif
