/* A set of addresses: a bit for each 16 bytes of address space, in a two-level table whose pages exist only
 * around what was ever in the set. Lock-free, so that it can be asked from anywhere; every function keeps
 * errno. */
#ifndef ARROWPOOL_BASE_ADDRESS_SET_H
#define ARROWPOOL_BASE_ADDRESS_SET_H

#include <stdatomic.h>
#include <stdbool.h>

typedef struct address_set {
  void *_Atomic root; /* NULL: the set was always empty, and costs no address */
} address_set;

/* False if it cannot be in the set: no memory for the bit, or an address that is not a multiple of 16. */
bool address_set_add(address_set *m, const void *address);

/* Take it out. False if it was not there. */
bool address_set_remove(address_set *m, const void *address);

bool address_set_has(address_set *m, const void *address);

#endif
