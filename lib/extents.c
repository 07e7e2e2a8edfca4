/* See extents.h. Small blocks and jemalloc's own metadata lie in page runs (runs.h), which it keeps, splits
 * and merges itself; each large buffer is an extent in a slot (slots.h), which jemalloc gives back at once.
 * Called by jemalloc, under its locks. */
#include "extents.h"

#include "range.h"
#include "runs.h"
#include "slots.h"

#include <string.h>

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wunused-parameter" /* the hooks' signatures are jemalloc's */

static void *run_alloc(extent_hooks_t *hooks, void *address, size_t size, size_t alignment, bool *zero,
                       bool *commit, unsigned arena) {
  if (address)
    return NULL;
  *zero = *commit = true;
  return runs_allocate(arena, size, alignment);
}

static bool run_dalloc(extent_hooks_t *hooks, void *address, size_t size, bool committed, unsigned arena) {
  return true; /* declined: jemalloc purges the run, keeps it, and merges it with its neighbours */
}

static bool run_purge(extent_hooks_t *hooks, void *address, size_t size, size_t offset, size_t length,
                      unsigned arena) {
  return !range_release_pages((char *)address + offset, length);
}

static bool run_merge(extent_hooks_t *hooks, void *first, size_t first_size, void *second, size_t second_size,
                      bool committed, unsigned arena) {
  return runs_hold(first) != runs_hold(second);
}

static bool any_split(extent_hooks_t *hooks, void *address, size_t size, size_t first, size_t second,
                      bool committed, unsigned arena) {
  return false;
}

static void *slot_alloc(extent_hooks_t *hooks, void *address, size_t size, size_t alignment, bool *zero,
                        bool *commit, unsigned arena) {
  bool zeroed;
  if (!address)
    address = slots_allocate(size, alignment, &zeroed);
  else if (!slots_extend(address, size, &zeroed))
    address = NULL;
  if (!address)
    return NULL;
  if (*zero && !zeroed)
    memset(address, 0, size);
  *zero |= zeroed;
  *commit = true;
  return address;
}

static bool slot_dalloc(extent_hooks_t *hooks, void *address, size_t size, bool committed, unsigned arena) {
  slots_release(address, size);
  return false;
}

static bool slot_merge(extent_hooks_t *hooks, void *first, size_t first_size, void *second,
                       size_t second_size, bool committed, unsigned arena) {
  return !slots_same(first, second);
}

extent_hooks_t extents_in_runs = {.alloc = run_alloc,
                                  .dalloc = run_dalloc,
                                  .purge_forced = run_purge,
                                  .split = any_split,
                                  .merge = run_merge};
extent_hooks_t extents_in_slots = {
    .alloc = slot_alloc, .dalloc = slot_dalloc, .split = any_split, .merge = slot_merge};

#pragma GCC diagnostic pop
