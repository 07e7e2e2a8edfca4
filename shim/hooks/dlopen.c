/* Takes RTLD_DEEPBIND from dlopen where the libc hook serves: a library bound that way would take its free
 * from libc, past us, and hand it our pointers. Where the hook only counts, the flag stays. And has the calls
 * of what was loaded redirected, where libraries have pools of their own.
 *
 * The call must leave by a jump: the C library reads the return address to know whose RUNPATH to search. So
 * it is written in instructions (tail_call.h); where nobody has written them down, dlopen is left alone.
 * After a jump nothing comes by here: where libraries have pools, a call that does not depend on its caller
 * is made by us; what any other loads is redirected after the next one. */
#include "shim/hooks/tail_call.h"

#ifdef TAIL_CALL
#include "profile/profile.h"
#include "shim/hooks/library.h"
#include "shim/library_pools.h"
#include "shim/next.h"
#include "shim/router.h"

#include <dlfcn.h>
#include <link.h>
#include <stdatomic.h>
#include <string.h>

TAIL_CALL(dlopen, dlopen_adjust)

static void *nothing_loads(const char *file, int mode) {
  (void)file, (void)mode;
  return NULL;
}

static int dlopen_mode(const char *file, int mode) {
  static _Atomic bool said;
  if (!file || !(mode & RTLD_DEEPBIND))
    return mode;
  const router_hook *hook = router_hook_of(ROUTER_LIBC);
  if (router_awake() && !(hook && hook->ours) && !the_router.finds_pools)
    return mode;
  if (!atomic_exchange(&said, true))
    router_inform(PIECES("loading ", file, " without RTLD_DEEPBIND, which would bypass us"));
  return mode & ~RTLD_DEEPBIND;
}

/* Returns whether the library of the caller has a path of its own for what it loads by bare name (DT_RUNPATH,
 * DT_RPATH), or also for what that needs (DT_RPATH). The program's DT_RPATH holds for everybody. */
static bool caller_has_path(const void *caller, bool bare) {
  Dl_info info;
  struct link_map *library = NULL;
  if (!dladdr1(caller, &info, (void **)&library, RTLD_DL_LINKMAP) || !library)
    return true;
  for (const Elf64_Dyn *d = library->l_ld; d && d->d_tag != DT_NULL; d++)
    if ((d->d_tag == DT_RPATH && library->l_prev) || (d->d_tag == DT_RUNPATH && bare))
      return true;
  return false;
}

/* `$ORIGIN` in a path is the caller's. */
static bool depends_on_caller(const char *file, const void *caller) {
  return strchr(file, '$') || caller_has_path(caller, !strchr(file, '/'));
}

static void *load_and_redirect(const char *file, int mode) {
  void *handle = next.dlopen(file, mode);
  if (handle)
    hook_library_redirect();
  return handle;
}

/* Says with which mode the call goes on, and where. */
__attribute__((visibility("hidden"), used)) tail_call dlopen_adjust(const char *file, int mode,
                                                                    const void *caller);
tail_call dlopen_adjust(const char *file, int mode, const void *caller) {
  profile_library_comes();
  if (!next.dlopen)
    next_resolve_optional();
  tail_call call = {dlopen_mode(file, mode), next.dlopen ? (void *)next.dlopen : (void *)nothing_loads};
  if (file && next.dlopen && router_awake() && library_pools_wanted()) {
    hook_library_redirect();
    if (!depends_on_caller(file, caller))
      call.target = (void *)load_and_redirect;
  }
  return call;
}

#endif
