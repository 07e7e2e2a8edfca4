/* Page runs for jemalloc's arenas of small blocks, and for jemalloc's own metadata.
 *
 * Each arena takes pages from a chunk of its own, so that its runs are neighbours which jemalloc can split
 * and merge; what it frees it keeps and reuses itself. Called by jemalloc's hooks only, under GATE_RUNS. */
#ifndef ARROWPOOL_RUNS_H
#define ARROWPOOL_RUNS_H

#include "memory/range.h"

#include <string.h>

/* Carve the window, at most `share` bytes. */
bool runs_init(size_t share);

/* `size` bytes (a multiple of the page) at `alignment`, zeroed and writable; NULL when the window is full. */
void *runs_allocate(unsigned arena, size_t size, size_t alignment);

/* Whether the pointer lies among the runs, so not in a slot. */
extern range_window runs_window;
static inline bool runs_hold(const void *pointer) { return range_window_holds(&runs_window, pointer); }

/* A note for each block, kept beside the runs, which an overrun cannot reach: the size that was asked for
 * (bytes). Blocks begin at multiples of the granule, each of which has a place; a size that needs more has
 * the next four as well, with values that are no block's own. 0: no block with a note begins here. Only the
 * pages of noted blocks are real. */
#define RUNS_GRANULE   64
#define RUNS_LONG_NOTE 0xefff
extern range_window runs_notes;

static inline uint16_t *runs_note(const void *block) {
  return (uint16_t *)(void *)runs_notes.base +
         (size_t)((const char *)block - runs_window.base) / RUNS_GRANULE;
}

void runs_note_long(const void *block, size_t requested);
size_t runs_long_note(const void *block);

/* `requested`: above 0. The block must lie among the runs, and have a note for the two that follow. */
static inline void runs_note_requested(const void *block, size_t requested) {
  if (__builtin_expect(requested < RUNS_LONG_NOTE, 1))
    *runs_note(block) = (uint16_t)requested;
  else
    runs_note_long(block, requested);
}

static inline size_t runs_requested(const void *block) {
  uint16_t note = *runs_note(block);
  return __builtin_expect(note < RUNS_LONG_NOTE, 1) ? note : runs_long_note(block);
}

/* A block loses its note before it is freed. */
static inline void runs_forget(const void *block) {
  if (__builtin_expect(*runs_note(block) < RUNS_LONG_NOTE, 1))
    *runs_note(block) = 0;
  else
    memset(runs_note(block), 0, 5 * sizeof(uint16_t));
}

/* Whether a block with a note begins at the address; any address among the runs. */
static inline bool runs_is_noted(const void *address) {
  size_t offset = (size_t)((const char *)address - runs_window.base);
  return offset % RUNS_GRANULE == 0 &&
         offset / RUNS_GRANULE * sizeof(uint16_t) <
             atomic_load_explicit(&runs_notes.writable, memory_order_relaxed) &&
         (uint16_t)(*runs_note(address) - 1) < RUNS_LONG_NOTE;
}

#endif
