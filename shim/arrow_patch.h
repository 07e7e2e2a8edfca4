/* Patches Arrow's own pools: they stay the same objects, with a copy of their table of virtual functions in
 * which ours stand for those that allocate and count.
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
  arrowpool_pool *pool;  /* it serves and counts, and has the name that Arrow gives the backend */
  void *object;          /* the arrow::MemoryPool */
  void *const *original; /* its own virtual functions */
  arrow_layout layout;
  bool lists_own;     /* the range has the original's buffers too, so ownership.h lists the pool's */
  _Atomic bool quick; /* new small buffers may come by the quick way: unlisted, and served by us */
  /* The most that we and the original held together, up to the original's last change (bytes). */
  _Atomic int64_t peak;
  arrow_table table;
} arrow_patch;

/* Returns the record of a pool whose virtual functions are already ours. */
static inline arrow_patch *arrow_patch_of(const void *object) {
  return (arrow_patch *)(*(uintptr_t *)object - offsetof(arrow_patch, table[2]));
}

/* Patches a pool, unless it is patched already or cannot be identified with certainty, which the user is told
 * once. It is lock-free if the pool is patched. Returns the object. */
void *arrow_patch_pool(void *object, const arrow_functions *ours);

/* Returns why a pool could not be patched; NULL if it could, or is. It takes the loader's lock. */
const char *arrow_patch_judge(const void *object);

/* Has the patched pools serve new requests, as they do from the start, or leave them to the originals.
 * Buffers that are ours stay so until they are freed. */
void arrow_patch_set_serving(bool serve);
extern _Atomic bool arrow_patch_leaves; /* new requests are the originals' */
static inline bool arrow_patch_serves(void) {
  return !atomic_load_explicit(&arrow_patch_leaves, memory_order_relaxed);
}

/* Returns how many pools are patched. */
unsigned arrow_patch_count(void);

/* Returns whether a pool of that name ("arrow.jemalloc") is patched and served by the backend, in the library
 * in which the symbol lies. */
bool arrow_patch_is_served(const void *symbol, const char *name, const backend *by);

/* A fork calls these: no patch may be half done in the child. */
void arrow_patch_prefork(void);
void arrow_patch_postfork(void);

#endif
