/* Translates jemalloc's extent hooks into calls of page_runs.h, slots.h and packed.h. */
#include "memory/extents.h"

#include "memory/idle.h"
#include "memory/packed.h"
#include "memory/page_runs.h"
#include "memory/range.h"
#include "memory/slots.h"

#include <string.h>

#pragma GCC diagnostic ignored "-Wunused-parameter" /* the signatures are jemalloc's */

void *extents_run_alloc(struct extent_hooks_s *hooks, void *address, size_t size, size_t alignment,
                        bool *zero, bool *commit, unsigned arena) {
  if (address)
    return NULL;
  *zero = *commit = true;
  return page_runs_allocate(arena, size, alignment);
}

void *extents_apart_alloc(struct extent_hooks_s *hooks, void *address, size_t size, size_t alignment,
                          bool *zero, bool *commit, unsigned arena) {
  if (address)
    return NULL;
  *zero = *commit = true;
  return page_runs_allocate_apart(size, alignment);
}

bool extents_run_dalloc(struct extent_hooks_s *hooks, void *address, size_t size, bool committed,
                        unsigned arena) {
  return true; /* the hook declines: jemalloc purges the run, keeps it, and merges it with its neighbours */
}

bool extents_run_purge(struct extent_hooks_s *hooks, void *address, size_t size, size_t offset, size_t length,
                       unsigned arena) {
  return !range_release_pages((char *)address + offset, length);
}

/* jemalloc keeps such an extent as one that the kernel may take, also where it refuses to. */
bool extents_any_purge_lazily(struct extent_hooks_s *hooks, void *address, size_t size, size_t offset,
                              size_t length, unsigned arena) {
  if (idle_lazily_after() != INT64_MAX)
    range_release_lazily((char *)address + offset, length);
  return false;
}

bool extents_run_merge(struct extent_hooks_s *hooks, void *first, size_t first_size, void *second,
                       size_t second_size, bool committed, unsigned arena) {
  return page_runs_hold(first) != page_runs_hold(second);
}

bool extents_any_split(struct extent_hooks_s *hooks, void *address, size_t size, size_t first, size_t second,
                       bool committed, unsigned arena) {
  return false;
}

/* Packed extents that jemalloc keeps are idle as long as they are committed: decommitted ones have no pages,
 * and are committed before they are used again. */
void *extents_packed_alloc(struct extent_hooks_s *hooks, void *address, size_t size, size_t alignment,
                           bool *zero, bool *commit, unsigned arena) {
  if (address || alignment > range_page_size())
    return NULL;
  void *extent = packed_allocate(arena, size);
  if (extent)
    idle_note(0, (ptrdiff_t)size);
  *zero = *commit = true;
  return extent;
}

bool extents_packed_commit(struct extent_hooks_s *hooks, void *address, size_t size, size_t offset,
                           size_t length, unsigned arena) {
  bool usable = packed_make_usable((char *)address + offset, length);
  if (usable)
    idle_note(0, (ptrdiff_t)length);
  return !usable;
}

bool extents_packed_decommit(struct extent_hooks_s *hooks, void *address, size_t size, size_t offset,
                             size_t length, unsigned arena) {
  bool released = packed_release_pages((char *)address + offset, length);
  if (released)
    idle_note(0, -(ptrdiff_t)length);
  return !released;
}

void extents_packed_destroy(struct extent_hooks_s *hooks, void *address, size_t size, bool committed,
                            unsigned arena) {
  extents_packed_decommit(hooks, address, size, 0, size, arena);
}

bool extents_packed_merge(struct extent_hooks_s *hooks, void *first, size_t first_size, void *second,
                          size_t second_size, bool committed, unsigned arena) {
  return !packed_may_merge(first, (char *)second + second_size);
}

void *extents_slot_alloc(struct extent_hooks_s *hooks, void *address, size_t size, size_t alignment,
                         bool *zero, bool *commit, unsigned arena) {
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

bool extents_slot_dalloc(struct extent_hooks_s *hooks, void *address, size_t size, bool committed,
                         unsigned arena) {
  slots_release(address, size);
  return false;
}

void extents_slot_destroy(struct extent_hooks_s *hooks, void *address, size_t size, bool committed,
                          unsigned arena) {
  slots_release_unused(address, size);
}

bool extents_slot_merge(struct extent_hooks_s *hooks, void *first, size_t first_size, void *second,
                        size_t second_size, bool committed, unsigned arena) {
  return !slots_same(first, second);
}
