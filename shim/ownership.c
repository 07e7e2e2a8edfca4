/* Keeps the exceptions in an address set, and notes whether there ever was one. */
#include "shim/ownership.h"

#include "base/address_set.h"

static address_set exceptions;
_Atomic bool ownership_in_use;

bool ownership_add(const void *buffer) {
  if (!address_set_add(&exceptions, buffer))
    return false;
  if (!atomic_load_explicit(&ownership_in_use, memory_order_relaxed))
    atomic_store(&ownership_in_use, true);
  return true;
}

bool ownership_remove(const void *buffer) { return address_set_remove(&exceptions, buffer); }

bool ownership_look_up(const void *buffer) { return address_set_has(&exceptions, buffer); }
