/* dlopen without RTLD_DEEPBIND: a library bound that way would take its free from libc, past us, and hand
 * it our pointers.
 *
 * The call must leave by a jump: the C library reads the return address to know whose RUNPATH to search.
 * The compiler makes it one at -O2, and a test holds it to that. */
#include "next.h"
#include "router.h"

#include <dlfcn.h>
#include <stdatomic.h>
#include <stddef.h>

#define EXPORT __attribute__((visibility("default")))

EXPORT __attribute__((optimize("O2"))) void *dlopen(const char *file, int mode) {
  static _Atomic bool said;
  if (!next.dlopen)
    next_resolve_optional();
  if ((mode & RTLD_DEEPBIND) && file) {
    mode &= ~RTLD_DEEPBIND;
    if (!atomic_exchange(&said, true))
      router_warn((const char *const[]){"loading ", file, " without RTLD_DEEPBIND, which would bypass us"},
                  3);
  }
  return next.dlopen(file, mode);
}
