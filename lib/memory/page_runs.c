/* Hands out page runs from chunks, a current one for each arena, and keeps the notes of sizes that need more
 * than one place. */
#include "memory/page_runs.h"

#include "base/locks.h"
#include "memory/range.h"

#include <stdint.h>
#include <sys/mman.h>

#define CHUNK        ((size_t)2 << 20)
#define CHUNK_OWNERS 64 /* more arenas than these share chunks, and lose only neighbourhood */

/* An arena's first 20 MiB are of small pages: jemalloc touches only half of the runs that it hands out to a
 * program with some thousand small blocks, and huge pages would make all of them resident. */
#define SMALL_CHUNKS 10

range_window page_runs_window, page_runs_notes;
static size_t next_chunk; /* offset of the first unused byte of the window */
static bool later_are_huge;

/* It is the arenas of one number: the current chunk's unused part, and how many chunks they took. */
typedef struct owner {
  char *next, *end;
  unsigned count;
} owner;
static owner owners[CHUNK_OWNERS];

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

void page_runs_use_huge_pages(size_t huge_page) { later_are_huge = huge_page <= CHUNK; }

/* Takes the owner's next chunk; what is left of the one before is not used. */
static void page_runs_take_chunk(owner *o) {
  char *chunk = page_runs_take(CHUNK, CHUNK);
  if (!chunk)
    return;
  if (later_are_huge && o->count >= SMALL_CHUNKS)
    madvise(chunk, CHUNK, MADV_HUGEPAGE);
  o->count++;
  o->next = chunk;
  o->end = chunk + CHUNK;
}

void *page_runs_allocate(unsigned arena, size_t size, size_t alignment) {
  owner *o = &owners[arena % CHUNK_OWNERS];
  char *run = NULL;
  locks_acquire(LOCK_RUNS);
  if (size > CHUNK / 2 || alignment > range_page_size()) {
    run = page_runs_take(range_round_up(size, CHUNK), alignment > CHUNK ? alignment : CHUNK);
  } else {
    if ((size_t)(o->end - o->next) < size)
      page_runs_take_chunk(o);
    if ((size_t)(o->end - o->next) >= size) {
      run = o->next;
      o->next += size;
    }
  }
  locks_release(LOCK_RUNS);
  return run;
}
