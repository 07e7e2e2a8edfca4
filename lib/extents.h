/* How jemalloc gets at our address space: two tables of hooks, for arenas of small blocks and of large
 * buffers. */
#ifndef ARROWPOOL_EXTENTS_H
#define ARROWPOOL_EXTENTS_H

#include <jemalloc.h>

extern extent_hooks_t extents_in_runs, extents_in_slots;

#endif
