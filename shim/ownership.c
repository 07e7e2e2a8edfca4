/* See ledger.h. */
#include "shim/ownership.h"

#include "base/address_set.h"

static marks exceptions;
_Atomic bool ledger_in_use;

bool ledger_enter(const void *buffer) {
  if (!marks_set(&exceptions, buffer))
    return false;
  if (!atomic_load_explicit(&ledger_in_use, memory_order_relaxed))
    atomic_store(&ledger_in_use, true);
  return true;
}

bool ledger_strike(const void *buffer) { return marks_clear(&exceptions, buffer); }

bool ledger_look_up(const void *buffer) { return marks_has(&exceptions, buffer); }
