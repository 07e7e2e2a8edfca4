/* The exceptions to what an address says about its owner.
 *
 * A buffer in the range belongs to Arrow's patched pools, one outside does not: that is true of nearly all of
 * them. This set holds the others: what the pools were given by the allocator behind us, and what in the
 * range came by arrow_mi_malloc_aligned; and all that is a pool's own whose former buffers are in the range
 * too. It has a bit for each 16 bytes of address space, the alignment of malloc: where memory is short, the
 * allocator behind us resizes a buffer to no better place. Its pages exist only around such buffers. It is
 * lock-free, and every function keeps errno. */
#ifndef ARROWPOOL_SHIM_OWNERSHIP_H
#define ARROWPOOL_SHIM_OWNERSHIP_H

#include <stdatomic.h>
#include <stdbool.h>

/* Enters a buffer. Returns false if it cannot be entered: there is no memory for the bit, or the address is
 * not a multiple of 16. */
bool ownership_add(const void *buffer);

/* Strikes a buffer off, which must happen before it is freed. Returns false if it is not there. */
bool ownership_remove(const void *buffer);

extern _Atomic bool ownership_in_use; /* whether anything was ever entered */
bool ownership_look_up(const void *buffer);
static inline bool ownership_has(const void *buffer) {
  return atomic_load_explicit(&ownership_in_use, memory_order_relaxed) && ownership_look_up(buffer);
}

#endif
