/* See runs.h. */
#include "memory/page_runs.h"

#include "base/locks.h"
#include "memory/range.h"

#include <stdint.h>

#define CHUNK        ((size_t)2 << 20)
#define CHUNK_OWNERS 64 /* arenas beyond share chunks, which costs them neighbourhood only */

range_window runs_window, runs_notes;
static size_t next_chunk; /* offset of the first unused byte of the window */
static struct { char *next, *end; } chunks[CHUNK_OWNERS];

bool runs_init(size_t share) {
  return range_carve(&runs_window, share, CHUNK) &&
         range_carve(&runs_notes, runs_window.size / RUNS_GRANULE * sizeof(uint16_t), RANGE_UNIT);
}

void runs_note_long(const void *block, size_t requested) {
  uint16_t *note = runs_note(block);
  note[0] = RUNS_LONG_NOTE;
  for (int i = 0; i < 4; i++)
    note[i + 1] = (uint16_t)(0xf000 | (requested >> 12 * i & 0xfff));
}

size_t runs_long_note(const void *block) {
  size_t requested = 0;
  for (int i = 0; i < 4; i++)
    requested |= (size_t)(runs_note(block)[i + 1] & 0xfff) << 12 * i;
  return requested;
}

/* Take whole chunks off the runs_window. */
static char *take(size_t size, size_t alignment) {
  size_t start =
      range_round_up((uintptr_t)runs_window.base + next_chunk, alignment) - (uintptr_t)runs_window.base;
  if (start > runs_window.size || size > runs_window.size - start ||
      !range_commit(&runs_notes, (start + size) / RUNS_GRANULE * sizeof(uint16_t)) ||
      !range_commit(&runs_window, start + size))
    return NULL;
  next_chunk = start + size;
  return runs_window.base + start;
}

void *runs_allocate(unsigned arena, size_t size, size_t alignment) {
  char **next = &chunks[arena % CHUNK_OWNERS].next, **end = &chunks[arena % CHUNK_OWNERS].end, *run;
  gate_lock(GATE_RUNS);
  if (size > CHUNK / 2 || alignment > range_page_size()) {
    run = take(range_round_up(size, CHUNK), alignment > CHUNK ? alignment : CHUNK);
  } else {
    if ((size_t)(*end - *next) < size && (run = take(CHUNK, CHUNK)) != NULL) {
      *next = run;
      *end = run + CHUNK;
    }
    run = (size_t)(*end - *next) < size ? NULL : *next;
    if (run)
      *next += size;
  }
  gate_unlock(GATE_RUNS);
  return run;
}
