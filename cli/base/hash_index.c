/* Finds entries by hash. Memory that is not written yet takes no room: the index is made anew when the array
 * grows, and what grows need not be there twice. */
#include "cli/base/hash_index.h"

#include "cli/base/memory.h"

#include <stdlib.h>
#include <string.h>

uint64_t hash_index_hash(uint64_t hash, const void *bytes, size_t size) {
  for (const unsigned char *at = bytes; size--; at++)
    hash = (hash ^ *at) * UINT64_C(0x100000001b3);
  return hash;
}

static char *entry_at(const hash_index *x, const hash_index_kind *kind, size_t number) {
  return (char *)x->entries + number * kind->entry_size;
}

/* Returns the cell of that entry, or the free one where it belongs. */
static uint32_t *cell_of(const hash_index *x, const hash_index_kind *kind, const void *wanted) {
  uint64_t hash = kind->hash(wanted);
  size_t i = (hash ^ hash >> 32) & (x->cell_count - 1);
  while (x->cells[i] && !kind->same(entry_at(x, kind, x->cells[i] - 1), wanted))
    i = (i + 1) & (x->cell_count - 1);
  return &x->cells[i];
}

static void grow(hash_index *x, const hash_index_kind *kind) {
  x->room = x->room ? x->room * 2 : 16;
  x->entries = memory_grow(x->entries, x->room, kind->entry_size);
  x->cell_count = x->room * 2;
  free(x->cells);
  x->cells = memory_zeroed(x->cell_count, sizeof *x->cells);
  for (size_t i = 0; i < x->count; i++)
    *cell_of(x, kind, entry_at(x, kind, i)) = (uint32_t)i + 1;
}

void *hash_index_find(const hash_index *x, const hash_index_kind *kind, const void *wanted) {
  uint32_t cell = x->count ? *cell_of(x, kind, wanted) : 0;
  return cell ? entry_at(x, kind, cell - 1) : NULL;
}

void *hash_index_add(hash_index *x, const hash_index_kind *kind, const void *entry) {
  if (x->count == x->room)
    grow(x, kind);
  *cell_of(x, kind, entry) = (uint32_t)x->count + 1;
  return memcpy(entry_at(x, kind, x->count++), entry, kind->entry_size);
}

void hash_index_free(hash_index *x) {
  free(x->entries);
  free(x->cells);
  *x = (hash_index){0};
}
