/* Arrow's own pools, patched: the same objects, with a copy of their table of virtual functions in which ours
 * stand for those that allocate and count.
 *
 * A record holds the copied table, so the way from an object to its record is one subtraction. Records are
 * never given back: pools live as long as their libarrow, which is kept from being unloaded. */
#ifndef ARROWPOOL_SHIM_ARROW_PATCH_H
#define ARROWPOOL_SHIM_ARROW_PATCH_H

#include "arrow/layout.h"
#include "pool/pool.h"

#include <stdatomic.h>
#include <stddef.h>

typedef struct arrow_patch {
  arrowpool_pool *pool;  /* serves and counts; named after what Arrow calls the backend */
  void *object;          /* arrow::MemoryPool */
  void *const *original; /* its own virtual functions */
  arrow_layout layout;
  bool lists_own; /* the original's buffers are in the range as well, so ownership.h has all of the pool's own
                   */
  _Atomic int64_t peak; /* bytes: the most that we and the original held together, up to the original's last
                           change */
  arrow_table table;
} arrow_patch;

/* The record of a pool whose virtual functions are already ours. */
static inline arrow_patch *arrow_patch_of(const void *object) {
  return (arrow_patch *)(*(uintptr_t *)object - offsetof(arrow_patch, table[2]));
}

/* Patch a pool, unless it is already or cannot be identified with certainty, which is said once. Lock-free if
 * it is patched. Returns the object. */
void *arrow_patch_pool(void *object, const arrow_functions *ours);

/* Whether a pool of that name ("arrow.jemalloc") is patched and served by the backend, in the library in
 * which the symbol lies. */
bool arrow_patch_serves(const void *symbol, const char *name, const backend *by);

/* fork: no patch may be half done in the child. */
void arrow_patch_prefork(void);
void arrow_patch_postfork(void);

#endif
