/* A set of addresses: a bit for each 16 bytes of address space, in a two-level table whose pages exist only
 * around what was ever in the set. Lock-free, so that it can be asked from anywhere; every function keeps
 * errno. */
#ifndef ARROWPOOL_MARKS_H
#define ARROWPOOL_MARKS_H

#include <stdatomic.h>
#include <stdbool.h>

typedef struct marks {
  void *_Atomic root; /* NULL: the set was always empty, and costs no address */
} marks;

/* False if it cannot be in the set: no memory for the bit, or an address that is not a multiple of 16. */
bool marks_set(marks *m, const void *address);

/* Take it out. False if it was not there. */
bool marks_clear(marks *m, const void *address);

bool marks_has(marks *m, const void *address);

#endif
