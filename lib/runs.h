/* Page runs for jemalloc's arenas of small blocks, and for jemalloc's own metadata.
 *
 * Each arena takes pages from a chunk of its own, so that its runs are neighbours which jemalloc can split
 * and merge; what it frees it keeps and reuses itself. Called by jemalloc's hooks only, under GATE_RUNS. */
#ifndef ARROWPOOL_RUNS_H
#define ARROWPOOL_RUNS_H

#include "range.h"

/* Carve the window, at most `share` bytes. */
bool runs_init(size_t share);

/* `size` bytes (a multiple of the page) at `alignment`, zeroed and writable; NULL when the window is full. */
void *runs_allocate(unsigned arena, size_t size, size_t alignment);

/* Whether the pointer lies among the runs, so not in a slot. */
extern range_window runs_window;
static inline bool runs_hold(const void *pointer) { return range_window_holds(&runs_window, pointer); }

/* A note for each block, kept beside the runs: what was asked for, at most its size class (bytes). The block
 * must lie among the runs. */
void runs_note_requested(const void *block, size_t size_class, size_t requested);
size_t runs_requested(const void *block, size_t size_class);

#endif
