/* Keeps the answers in a table without locks, hashed by name and call site. */
#include "shim/symbol_cache.h"

#include "shim/next.h"

#include <stdatomic.h>
#include <stdint.h>

#define SITES  1024 /* a power of two */
#define PROBES 16   /* beyond that a call site is looked up each time */

typedef struct site {
  _Atomic(const void *) caller; /* NULL: free */
  _Atomic(const char *) name;   /* written after `caller`, by the thread that wrote that */
  _Atomic(void *) symbol;       /* written last; NULL: it is not known yet */
} site;

static site sites[SITES];

void *symbol_cache_look_up(const char *name, const void *caller) {
  uintptr_t hash = ((uintptr_t)caller ^ (uintptr_t)name >> 3) * UINT64_C(0x9e3779b97f4a7c15);
  site *vacant = NULL;
  for (unsigned i = 0; i < PROBES; i++) {
    site *s = &sites[((hash >> 40) + i) % SITES];
    const void *theirs = atomic_load_explicit(&s->caller, memory_order_acquire);
    if (!theirs) {
      vacant = s;
      break;
    }
    if (theirs == caller && atomic_load_explicit(&s->name, memory_order_acquire) == name) {
      void *known = atomic_load_explicit(&s->symbol, memory_order_acquire);
      if (known)
        return known;
    }
  }
  void *found = next_symbol_of_caller(name, caller);
  const void *none = NULL;
  if (found && vacant && atomic_compare_exchange_strong(&vacant->caller, &none, caller)) {
    atomic_store_explicit(&vacant->name, name, memory_order_release);
    atomic_store_explicit(&vacant->symbol, found, memory_order_release);
  }
  return found;
}
