/* jemalloc's arenas, of small blocks, of slots and of packed extents, and how threads are bound to them. It
 * is private to the jemalloc backend. */
#ifndef ARROWPOOL_MEMORY_BACKEND_JEMALLOC_ARENAS_H
#define ARROWPOOL_MEMORY_BACKEND_JEMALLOC_ARENAS_H

#include "memory/decay.h"

#include <stdbool.h>
#include <stddef.h>

/* Starts jemalloc if it was not yet. Returns false if it is not to be had. */
bool arenas_started(void);

/* Binds the calling thread to its arena of small blocks, and gives it a number (base/thread_own.h). It starts
 * jemalloc, and returns false if that is not to be had. */
bool arenas_bind_thread(void);

/* They return the flags of mallocx for the calling thread's arena, and for the one of small blocks that stand
 * apart (page_runs.h), without the thread cache; 0 if there is no arena. The thread is bound. */
int arenas_slot_flags(void);
int arenas_packed_flags(void);
int arenas_apart_flags(void);

/* Frees a packed extent of that size (bytes). */
void arenas_free_packed(void *extent, size_t size);

/* The first has all arenas return a share of what is idle; of the cache, what is due and all as well. The
 * second has those of packed extents return so many bytes, of those that were freed first. */
void arenas_return(decay_share share);
void arenas_return_packed(size_t bytes);

#endif
