/* A set of addresses: it has a bit for each 16 bytes of address space, in a two-level table whose pages exist
 * only around what was ever in the set. It is lock-free, so that it can be asked from anywhere; every
 * function keeps errno. */
#ifndef ARROWPOOL_BASE_ADDRESS_SET_H
#define ARROWPOOL_BASE_ADDRESS_SET_H

#include <stdatomic.h>
#include <stdbool.h>

typedef struct address_set {
  void *_Atomic root; /* it is NULL while the set was always empty, which costs no address */
} address_set;

/* Adds the address. Returns false if it cannot be in the set: there is no memory for the bit, or the address
 * is not a multiple of 16. */
bool address_set_add(address_set *m, const void *address);

/* Takes the address out. Returns false if it was not there. */
bool address_set_remove(address_set *m, const void *address);

bool address_set_has(address_set *m, const void *address);

#endif
