/* Hands out page runs from chunks, a current one for each arena, and keeps the notes of sizes that need more
 * than one place. */
#include "memory/page_runs.h"

#include "base/locks.h"
#include "memory/range.h"

#include <stdint.h>

#define CHUNK        ((size_t)2 << 20)
#define CHUNK_OWNERS 64 /* more arenas than these share chunks, and lose only neighbourhood */

range_window page_runs_window, page_runs_notes;
static size_t next_chunk; /* offset of the first unused byte of the window */
static struct { char *next, *end; } chunks[CHUNK_OWNERS];

bool page_runs_init(size_t share) {
  return range_carve(&page_runs_window, share, CHUNK) &&
         range_carve(&page_runs_notes, page_runs_window.size / PAGE_RUNS_GRANULE * sizeof(uint16_t),
                     RANGE_UNIT);
}

void page_runs_note_long(const void *block, size_t requested) {
  uint16_t *note = page_runs_note(block);
  note[0] = PAGE_RUNS_LONG_NOTE;
  for (int i = 0; i < 4; i++)
    note[i + 1] = (uint16_t)(0xf000 | (requested >> 12 * i & 0xfff));
}

size_t page_runs_long_note(const void *block) {
  size_t requested = 0;
  for (int i = 0; i < 4; i++)
    requested |= (size_t)(page_runs_note(block)[i + 1] & 0xfff) << 12 * i;
  return requested;
}

/* Takes whole chunks off page_runs_window. */
static char *page_runs_take(size_t size, size_t alignment) {
  size_t start = range_round_up((uintptr_t)page_runs_window.base + next_chunk, alignment) -
                 (uintptr_t)page_runs_window.base;
  if (start > page_runs_window.size || size > page_runs_window.size - start ||
      !range_commit(&page_runs_notes, (start + size) / PAGE_RUNS_GRANULE * sizeof(uint16_t)) ||
      !range_commit(&page_runs_window, start + size))
    return NULL;
  next_chunk = start + size;
  return page_runs_window.base + start;
}

void *page_runs_allocate(unsigned arena, size_t size, size_t alignment) {
  char **next = &chunks[arena % CHUNK_OWNERS].next, **end = &chunks[arena % CHUNK_OWNERS].end, *run;
  locks_acquire(LOCK_RUNS);
  if (size > CHUNK / 2 || alignment > range_page_size()) {
    run = page_runs_take(range_round_up(size, CHUNK), alignment > CHUNK ? alignment : CHUNK);
  } else {
    if ((size_t)(*end - *next) < size && (run = page_runs_take(CHUNK, CHUNK)) != NULL) {
      *next = run;
      *end = run + CHUNK;
    }
    run = (size_t)(*end - *next) < size ? NULL : *next;
    if (run)
      *next += size;
  }
  locks_release(LOCK_RUNS);
  return run;
}
