/* Hands out page runs from chunks, a current one for each arena, and keeps the notes of sizes that need more
 * than one place. */
#include "memory/page_runs.h"

#include "base/locks.h"
#include "base/round_up.h"
#include "memory/range.h"

#include <stdint.h>
#include <sys/mman.h>

#define CHUNK        ((size_t)2 << 20)
#define CHUNK_OWNERS 64 /* more arenas than these share chunks, and lose only neighbourhood */

/* An arena's first 20 MiB are of small pages: jemalloc touches only half of the runs that it hands out to a
 * program with some thousand small blocks, and huge pages would make all of them resident. */
#define SMALL_CHUNKS 10

/* The notes of so many bytes are one unit, so that they become writable by themselves. */
#define NOTED (RANGE_UNIT / sizeof(uint16_t) * PAGE_RUNS_GRANULE)
_Static_assert(CHUNK % NOTED == 0, "a chunk's notes are whole units");

#define APART_SHARE 16 /* the part of the window that stands apart */

range_window page_runs_window, page_runs_cached, page_runs_apart, page_runs_notes, page_runs_apart_notes,
    page_runs_owners, page_runs_apart_owners;
static bool later_are_huge, owners_are_kept;

/* The next unused byte of a part of the window, as an offset in it. */
static size_t next_cached, next_apart;

/* It is the arenas of one number: the current chunk's unused part, and how many chunks they took. */
typedef struct owner {
  char *next, *end;
  unsigned count;
} owner;
static owner owners[CHUNK_OWNERS], apart_owner;

/* Divides what was carved in two, each of which becomes writable from its own bottom. */
static void divide(const range_window *all, size_t first_size, range_window *first, range_window *second) {
  first->base = all->base;
  first->size = first_size;
  second->base = all->base + first_size;
  second->size = all->size - first_size;
}

void page_runs_keep_owners(void) { owners_are_kept = true; }

bool page_runs_init(size_t share) {
  range_window notes = {0}, kept = {0};
  if (!range_carve(&page_runs_window, share, CHUNK) ||
      !range_carve(&notes, page_runs_window.size / PAGE_RUNS_GRANULE * sizeof(uint16_t), RANGE_UNIT) ||
      (owners_are_kept && !range_carve(&kept, page_runs_window.size / PAGE_RUNS_GRANULE, RANGE_UNIT)))
    return false;
  size_t cached = round_up(page_runs_window.size / APART_SHARE * (APART_SHARE - 1), CHUNK);
  divide(&page_runs_window, cached, &page_runs_cached, &page_runs_apart);
  divide(&notes, cached / PAGE_RUNS_GRANULE * sizeof(uint16_t), &page_runs_notes, &page_runs_apart_notes);
  if (owners_are_kept)
    divide(&kept, cached / PAGE_RUNS_GRANULE, &page_runs_owners, &page_runs_apart_owners);
  return true;
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

/* Takes whole chunks off a part of the window. */
static char *take(range_window *part, range_window *notes, range_window *kept, size_t *next, size_t size,
                  size_t alignment) {
  size_t start = round_up((uintptr_t)part->base + *next, alignment) - (uintptr_t)part->base;
  if (start > part->size || size > part->size - start ||
      !range_commit(notes, (start + size) / PAGE_RUNS_GRANULE * sizeof(uint16_t)) ||
      (owners_are_kept && !range_commit(kept, (start + size) / PAGE_RUNS_GRANULE)) ||
      !range_commit(part, start + size))
    return NULL;
  *next = start + size;
  return part->base + start;
}

static char *take_for(const owner *o, size_t size, size_t alignment) {
  return o == &apart_owner
             ? take(&page_runs_apart, &page_runs_apart_notes, &page_runs_apart_owners, &next_apart, size,
                    alignment)
             : take(&page_runs_cached, &page_runs_notes, &page_runs_owners, &next_cached, size, alignment);
}

void page_runs_use_huge_pages(size_t huge_page) { later_are_huge = huge_page <= CHUNK; }

/* Takes the owner's next chunk; what is left of the one before is not used. */
static void take_chunk(owner *o) {
  char *chunk = take_for(o, CHUNK, CHUNK);
  if (!chunk)
    return;
  if (later_are_huge && o->count >= SMALL_CHUNKS)
    madvise(chunk, CHUNK, MADV_HUGEPAGE);
  o->count++;
  o->next = chunk;
  o->end = chunk + CHUNK;
}

static void *allocate_for(owner *o, size_t size, size_t alignment) {
  char *run = NULL;
  locks_acquire(LOCK_RUNS);
  if (size > CHUNK / 2 || alignment > range_page_size()) {
    run = take_for(o, round_up(size, CHUNK), alignment > CHUNK ? alignment : CHUNK);
  } else {
    if ((size_t)(o->end - o->next) < size)
      take_chunk(o);
    if ((size_t)(o->end - o->next) >= size) {
      run = o->next;
      o->next += size;
    }
  }
  locks_release(LOCK_RUNS);
  return run;
}

void *page_runs_allocate(unsigned arena, size_t size, size_t alignment) {
  return allocate_for(&owners[arena % CHUNK_OWNERS], size, alignment);
}

void *page_runs_allocate_apart(size_t size, size_t alignment) {
  return allocate_for(&apart_owner, size, alignment);
}
