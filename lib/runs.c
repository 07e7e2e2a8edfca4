/* See runs.h. */
#include "runs.h"

#include "gate.h"
#include "range.h"

#include <stdint.h>

#define CHUNK        ((size_t)2 << 20)
#define CHUNK_OWNERS 64 /* arenas beyond share chunks, which costs them neighbourhood only */

#define GRANULE 64 /* blocks begin at multiples of it */

range_window runs_window;
static range_window
    notes; /* a uint16_t for each granule of the runs_window; only the pages of noted blocks are real */
static size_t next_chunk; /* offset of the first unused byte of the window */
static struct { char *next, *end; } chunks[CHUNK_OWNERS];

bool runs_init(size_t share) {
  return range_carve(&runs_window, share, CHUNK) &&
         range_carve(&notes, runs_window.size / GRANULE * sizeof(uint16_t), RANGE_UNIT);
}

static void *note_of(const void *block) {
  return (uint16_t *)(void *)notes.base + (size_t)((const char *)block - runs_window.base) / GRANULE;
}

/* A larger block has granules enough for a larger note, and begins with a page. */
static bool has_long_note(size_t size_class) { return size_class > UINT16_MAX; }

void runs_note_requested(const void *block, size_t size_class, size_t requested) {
  if (has_long_note(size_class))
    *(uint64_t *)note_of(block) = size_class - requested;
  else
    *(uint16_t *)note_of(block) = (uint16_t)(size_class - requested);
}

size_t runs_requested(const void *block, size_t size_class) {
  return size_class - (has_long_note(size_class) ? *(uint64_t *)note_of(block) : *(uint16_t *)note_of(block));
}

/* Take whole chunks off the runs_window. */
static char *take(size_t size, size_t alignment) {
  size_t start =
      range_round_up((uintptr_t)runs_window.base + next_chunk, alignment) - (uintptr_t)runs_window.base;
  if (start > runs_window.size || size > runs_window.size - start ||
      !range_commit(&notes, (start + size) / GRANULE * sizeof(uint16_t)) ||
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
