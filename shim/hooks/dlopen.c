/* Takes RTLD_DEEPBIND from dlopen where the libc hook serves: a library bound that way would take its free
 * from libc, past us, and hand it our pointers. Where the hook only counts, the flag stays.
 *
 * The call must leave by a jump: the C library reads the return address to know whose RUNPATH to search. So
 * it is written in instructions (tail_call.h); where nobody has written them down, dlopen is left alone. */
#include "shim/hooks/tail_call.h"

#ifdef TAIL_CALL
#include "profile/profile.h"
#include "shim/next.h"
#include "shim/router.h"

#include <dlfcn.h>
#include <stdatomic.h>

TAIL_CALL(dlopen, deepbind_mode, deepbind_target)

static void *nothing_loads(const char *file, int mode) {
  (void)file, (void)mode;
  return NULL;
}

/* The call goes on with this function; before deepbind_mode was called, with one that loads nothing. */
__attribute__((visibility("hidden"), used)) void *(*deepbind_target)(const char *file,
                                                                     int mode) = nothing_loads;

/* Returns the mode with which the call goes on. */
__attribute__((visibility("hidden"), used)) int deepbind_mode(const char *file, int mode);
int deepbind_mode(const char *file, int mode) {
  static _Atomic bool said;
  profile_library_comes();
  if (!next.dlopen)
    next_resolve_optional();
  if (next.dlopen)
    __atomic_store_n(&deepbind_target, next.dlopen, __ATOMIC_RELAXED);
  if (!file || !(mode & RTLD_DEEPBIND))
    return mode;
  const router_hook *hook = router_hook_of(ROUTER_LIBC);
  if (router_awake() && !(hook && hook->ours))
    return mode;
  if (!atomic_exchange(&said, true))
    router_inform(PIECES("loading ", file, " without RTLD_DEEPBIND, which would bypass us"));
  return mode & ~RTLD_DEEPBIND;
}

#endif
