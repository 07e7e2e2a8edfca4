/* Packed extents that were freed last, for the next who asks for their size: no lock is taken for them, and
 * jemalloc is not asked.
 *
 * Threads have a row of places each, by their numbers, and share it where they are many. A row has one extent
 * of each size class, and PACKED_MOST bytes in all. What is here counts as live memory in idle.h. All
 * functions are lock-free. */
#ifndef ARROWPOOL_MEMORY_PACKED_CACHE_H
#define ARROWPOOL_MEMORY_PACKED_CACHE_H

#include <stdbool.h>
#include <stddef.h>

typedef void packed_cache_free(void *extent, size_t size);

/* Returns an extent of the size class that serves `size` bytes (PACKED_GRANULE to PACKED_MOST); NULL if the
 * thread's row has none. */
void *packed_cache_take(unsigned thread, size_t size);

/* Keeps an extent, whose size (bytes) may be any, and frees what has to go for it: an older one of the same
 * class, others, or itself where no class has its size. Returns true if something was freed, or if the row is
 * in use for the first time since packed_cache_flush saw it. */
bool packed_cache_put(unsigned thread, void *extent, size_t size, packed_cache_free *free_extent);

/* Frees what lies in rows that were not used since the last call, or in all. */
void packed_cache_flush(bool all, packed_cache_free *free_extent);

#endif
