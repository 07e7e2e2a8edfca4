/* Keeps the rows; an extent belongs to whoever exchanges it for NULL. */
#include "memory/packed_cache.h"

#include "memory/packed.h"

#include <stdatomic.h>

#define ROWS    64
#define CLASSES 25 /* four between two powers of two, from 64 KiB to 4 MiB */

typedef struct row {
  _Alignas(64) _Atomic size_t bytes;
  _Atomic bool used; /* since the last flush */
  _Atomic(void *) extents[CLASSES];
} row;

static row rows[ROWS];

/* Returns the number of the class that serves the size. The classes of one power of two are a quarter of it
 * apart, which is how jemalloc has them. */
static unsigned class_of(size_t size) {
  unsigned lg = 63 - (unsigned)__builtin_clzll(size - 1);
  return (lg - 15) * 4 + (unsigned)((size - 1) >> (lg - 2) & 3) - 3;
}

static size_t size_of(unsigned number) { return (size_t)((number + 3) % 4 + 5) << (13 + (number + 3) / 4); }

static row *row_of(unsigned thread) { return &rows[thread % ROWS]; }

/* Takes the extent out of a place; NULL if there is none. A row is written only by who finds something to do
 * in it, so that its cache lines stay where they are. */
static void *remove_extent(row *r, unsigned number) {
  void *extent = atomic_load_explicit(&r->extents[number], memory_order_relaxed)
                     ? atomic_exchange_explicit(&r->extents[number], NULL, memory_order_acquire)
                     : NULL;
  if (extent)
    atomic_fetch_sub_explicit(&r->bytes, size_of(number), memory_order_relaxed);
  return extent;
}

static bool drop(row *r, unsigned number, packed_cache_free *free_extent) {
  void *extent = remove_extent(r, number);
  if (extent)
    free_extent(extent, size_of(number));
  return extent;
}

void *packed_cache_take(unsigned thread, size_t size) {
  unsigned number = class_of(size);
  return number < CLASSES ? remove_extent(row_of(thread), number) : NULL;
}

bool packed_cache_put(unsigned thread, void *extent, size_t size, packed_cache_free *free_extent) {
  row *r = row_of(thread);
  unsigned number = class_of(size);
  if (number >= CLASSES || size_of(number) != size) {
    free_extent(extent, size);
    return true;
  }
  bool freed = drop(r, number, free_extent);
  size_t bytes = atomic_fetch_add_explicit(&r->bytes, size, memory_order_relaxed) + size;
  for (unsigned i = 0; i < CLASSES && bytes > PACKED_MOST; i++) {
    freed |= drop(r, i, free_extent);
    bytes = atomic_load_explicit(&r->bytes, memory_order_relaxed);
  }
  void *other = atomic_exchange_explicit(&r->extents[number], extent, memory_order_acq_rel);
  if (other) { /* of a thread that has the same row */
    atomic_fetch_sub_explicit(&r->bytes, size, memory_order_relaxed);
    free_extent(other, size);
  }
  bool first = !atomic_load_explicit(&r->used, memory_order_relaxed) && !atomic_exchange(&r->used, true);
  return first || freed || other;
}

void packed_cache_flush(bool all, packed_cache_free *free_extent) {
  for (row *r = rows; r < rows + ROWS; r++)
    if (atomic_load_explicit(&r->bytes, memory_order_relaxed) && (!atomic_exchange(&r->used, false) || all))
      for (unsigned i = 0; i < CLASSES; i++)
        drop(r, i, free_extent);
}
