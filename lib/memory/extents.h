/* jemalloc's view of our address space: its extent hooks. Arenas of small blocks get page runs, those of
 * large buffers slots, and those of large buffers that have not grown packed extents. The signatures are
 * jemalloc's, whose header only its backend includes. jemalloc calls the hooks, some of them with locks of
 * its own held. */
#ifndef ARROWPOOL_MEMORY_EXTENTS_H
#define ARROWPOOL_MEMORY_EXTENTS_H

#include <stdbool.h>
#include <stddef.h>

struct extent_hooks_s;

void *extents_run_alloc(struct extent_hooks_s *hooks, void *address, size_t size, size_t alignment,
                        bool *zero, bool *commit, unsigned arena);
void *extents_apart_alloc(struct extent_hooks_s *hooks, void *address, size_t size, size_t alignment,
                          bool *zero, bool *commit, unsigned arena);
bool extents_run_dalloc(struct extent_hooks_s *hooks, void *address, size_t size, bool committed,
                        unsigned arena);
bool extents_run_purge(struct extent_hooks_s *hooks, void *address, size_t size, size_t offset, size_t length,
                       unsigned arena);
bool extents_any_purge_lazily(struct extent_hooks_s *hooks, void *address, size_t size, size_t offset,
                              size_t length, unsigned arena);
bool extents_run_merge(struct extent_hooks_s *hooks, void *first, size_t first_size, void *second,
                       size_t second_size, bool committed, unsigned arena);
bool extents_any_split(struct extent_hooks_s *hooks, void *address, size_t size, size_t first, size_t second,
                       bool committed, unsigned arena);
void *extents_slot_alloc(struct extent_hooks_s *hooks, void *address, size_t size, size_t alignment,
                         bool *zero, bool *commit, unsigned arena);
bool extents_slot_dalloc(struct extent_hooks_s *hooks, void *address, size_t size, bool committed,
                         unsigned arena);
void *extents_packed_alloc(struct extent_hooks_s *hooks, void *address, size_t size, size_t alignment,
                           bool *zero, bool *commit, unsigned arena);
bool extents_packed_commit(struct extent_hooks_s *hooks, void *address, size_t size, size_t offset,
                           size_t length, unsigned arena);
bool extents_packed_decommit(struct extent_hooks_s *hooks, void *address, size_t size, size_t offset,
                             size_t length, unsigned arena);
bool extents_packed_merge(struct extent_hooks_s *hooks, void *first, size_t first_size, void *second,
                          size_t second_size, bool committed, unsigned arena);
bool extents_slot_merge(struct extent_hooks_s *hooks, void *first, size_t first_size, void *second,
                        size_t second_size, bool committed, unsigned arena);

/* jemalloc has no memory left to note the extent, which it was just given. */
void extents_packed_destroy(struct extent_hooks_s *hooks, void *address, size_t size, bool committed,
                            unsigned arena);
void extents_slot_destroy(struct extent_hooks_s *hooks, void *address, size_t size, bool committed,
                          unsigned arena);

#endif
