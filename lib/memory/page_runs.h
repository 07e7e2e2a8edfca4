/* Page runs for jemalloc's arenas of small blocks, and for jemalloc's own metadata.
 *
 * Each arena takes pages from a chunk of its own, so that its runs are neighbours which jemalloc can split
 * and merge; jemalloc keeps what it frees and reuses it itself. Only jemalloc's hooks call this; LOCK_RUNS
 * protects it. */
#ifndef ARROWPOOL_MEMORY_PAGE_RUNS_H
#define ARROWPOOL_MEMORY_PAGE_RUNS_H

#include "memory/range.h"

#include <string.h>

/* Carves the window, at most `share` bytes. Its last part is of runs that stand apart: no block of theirs
 * ever lies in a thread cache, so an address tells blocks that something is known of (a profile's samples)
 * from all others. */
bool page_runs_init(size_t share);

/* Has blocks keep whose they are, from page_runs_init on, before which it is called. */
void page_runs_keep_owners(void);

/* Has huge pages of that size (bytes) back an arena's later chunks, where a chunk is as large as one. It is
 * called before the first run is handed out. */
void page_runs_use_huge_pages(size_t huge_page);

/* Returns `size` bytes (a multiple of the page) at `alignment`, zeroed and writable; NULL when the window is
 * full. */
void *page_runs_allocate(unsigned arena, size_t size, size_t alignment);
void *page_runs_allocate_apart(size_t size, size_t alignment);

/* Returns whether the pointer lies among the runs, so not in a slot. */
extern range_window page_runs_window;
static inline bool page_runs_hold(const void *pointer) {
  return range_window_holds(&page_runs_window, pointer);
}

/* Returns whether it lies among those whose blocks the thread caches have. */
extern range_window page_runs_cached, page_runs_apart;
static inline bool page_runs_hold_cached(const void *pointer) {
  return range_window_holds(&page_runs_cached, pointer);
}

/* Each block can have a note beside the runs, which an overrun cannot reach: the size that was asked for
 * (bytes). Blocks begin at multiples of the granule, each of which has a place; a size that needs more has
 * the next four places as well, with values that are no block's own. 0 means that no block with a note begins
 * here. A plain note says besides that the block's size class is that of the size, which holds of what was
 * not aligned beyond the granule. Only the pages of noted blocks are real. */
#define PAGE_RUNS_GRANULE    64
#define PAGE_RUNS_PLAIN_MOST 0x7000 /* the largest size of a plain note */
#define PAGE_RUNS_NOT_PLAIN  0x8000 /* together with the size it is a note that is not plain */
#define PAGE_RUNS_LONG_NOTE  0xefff /* is above all of these */
extern range_window page_runs_notes, page_runs_apart_notes;

static inline uint16_t *page_runs_note(const void *block) {
  return (uint16_t *)(void *)page_runs_notes.base +
         (size_t)((const char *)block - page_runs_window.base) / PAGE_RUNS_GRANULE;
}

void page_runs_note_long(const void *block, size_t requested);
size_t page_runs_long_note(const void *block);

/* Notes the size, which is above 0. The block must lie among the runs, and have a note for the two functions
 * that follow. */
static inline void page_runs_note_requested(const void *block, size_t requested) {
  if (__builtin_expect(requested < PAGE_RUNS_LONG_NOTE - PAGE_RUNS_NOT_PLAIN, 1))
    *page_runs_note(block) = (uint16_t)(PAGE_RUNS_NOT_PLAIN | requested);
  else
    page_runs_note_long(block, requested);
}

static inline size_t page_runs_requested(const void *block) {
  uint16_t note = *page_runs_note(block);
  return __builtin_expect(note < PAGE_RUNS_LONG_NOTE, 1) ? note & ~PAGE_RUNS_NOT_PLAIN
                                                         : page_runs_long_note(block);
}

/* Where they are kept, a block with a note also has its owner beside it, a number up to 255; 0: nobody said.
 * Only the pages of blocks with an owner are real. */
extern range_window page_runs_owners, page_runs_apart_owners;

static inline uint8_t *page_runs_owner(const void *block) {
  return (uint8_t *)page_runs_owners.base +
         (size_t)((const char *)block - page_runs_window.base) / PAGE_RUNS_GRANULE;
}

/* Returns whether an address among the runs, or those that are cached, has a place for an owner, which can be
 * read and written. */
static inline bool page_runs_has_owner_in(const range_window *part, const range_window *owners,
                                          const void *address) {
  return (size_t)((const char *)address - part->base) / PAGE_RUNS_GRANULE <
         atomic_load_explicit(&owners->writable, memory_order_relaxed);
}

static inline bool page_runs_has_cached_owner(const void *address) {
  return page_runs_has_owner_in(&page_runs_cached, &page_runs_owners, address);
}

static inline bool page_runs_has_owner(const void *address) {
  return page_runs_hold_cached(address)
             ? page_runs_has_cached_owner(address)
             : page_runs_has_owner_in(&page_runs_apart, &page_runs_apart_owners, address);
}

/* Takes the block's note and its owner away, before the block is freed. */
static inline void page_runs_forget(const void *block) {
  if (__builtin_expect(page_runs_has_owner(block), 0) && *page_runs_owner(block))
    *page_runs_owner(block) = 0;
  if (__builtin_expect(*page_runs_note(block) < PAGE_RUNS_LONG_NOTE, 1))
    *page_runs_note(block) = 0;
  else
    memset(page_runs_note(block), 0, 5 * sizeof(uint16_t));
}

/* Returns whether an address among the runs, or those that are cached, has a place for a note, which can be
 * read. */
static inline bool page_runs_has_place_in(const range_window *notes, const void *address) {
  return ((const char *)address - page_runs_window.base) % PAGE_RUNS_GRANULE == 0 &&
         (size_t)((char *)page_runs_note(address) - notes->base) <
             atomic_load_explicit(&notes->writable, memory_order_relaxed);
}

static inline bool page_runs_has_cached_place(const void *address) {
  return page_runs_has_place_in(&page_runs_notes, address);
}

static inline bool page_runs_has_place(const void *address) {
  return page_runs_has_place_in(page_runs_hold_cached(address) ? &page_runs_notes : &page_runs_apart_notes,
                                address);
}

/* Returns whether a block with a note begins at the address, which is any address among the runs. */
static inline bool page_runs_is_noted(const void *address) {
  return page_runs_has_place(address) && (uint16_t)(*page_runs_note(address) - 1) < PAGE_RUNS_LONG_NOTE;
}

#endif
