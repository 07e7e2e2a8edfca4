/* Puts the shim together where it is preloaded: reads the options, and makes the pools and everything else as
 * they say. It runs once, in the constructor or at the first call of a hook, whichever comes first
 * (router.h).
 */
#include "shim/router.h"

#include "base/nocancel.h"
#include "base/presence.h"
#include "shim/bypass.h"
#include "shim/configure.h"
#include "shim/first_use.h"
#include "shim/library_pools.h"
#include "shim/log.h"
#include "shim/next.h"

#include <sys/auxv.h>
#include <unistd.h>

/* Returns what a hook's pool is like. `serves` says whether what the hook hands out comes back by it. */
static pool_config config_of(pool_frees frees, bool serves) {
  bool ours = the_router.settings.values[OPTION_POOL].number == OPTIONS_POOL_JEMALLOC;
  const backend *behind = serves && ours ? &backend_jemalloc : &backend_system;
  if (serves && guard_mode != ARROWPOOL_DEBUG_OFF) /* the guard's table knows every buffer again */
    frees = POOL_ALL_FREES_PASS;
  bool serving = behind->owned || frees == POOL_ALL_FREES_PASS;
  return (pool_config){.backend = behind,
                       .size_source = serving ? POOL_SIZE_FROM_BACKEND : POOL_SIZE_FROM_CALLER,
                       .frees = frees};
}

static void set_up_hook(router_pool_name name, const char *full_name, int hook, pool_frees frees,
                        bool serves) {
  pool_config config = config_of(frees, serves);
  router_hook *d = &the_router.hooks[name];
  d->ours = config.size_source == POOL_SIZE_FROM_BACKEND;
  d->active = pool_create(full_name, config, &d->pool) == ARROWPOOL_OK &&
              (the_router.settings.values[OPTION_HOOKS].number & hook);
}

/* Has pools made for libraries once these are loaded. Where their buffers come back by libc's functions, as
 * libc's own do, the backend has to tell whose a buffer is. */
static void set_up_libraries(bool serves) {
  const options_value *names = &the_router.settings.values[OPTION_LIBRARIES];
  if (!names->given)
    return;
  pool_config config = config_of(POOL_OWN_FREES_PASS, serves && backend_jemalloc_keep_owners());
  config.is_found = the_router.finds_pools = config.size_source == POOL_SIZE_FROM_BACKEND;
  library_pools_configure(names->text, config);
}

/* Returns whether the libc hook serves: it does only where every free of the process's is ours; else it
 * counts, and passes on. */
static bool libc_hook_serves(const options *settings) {
  if (settings->values[OPTION_POOL].number != OPTIONS_POOL_JEMALLOC && guard_mode == ARROWPOOL_DEBUG_OFF)
    return false;
  const char *bypass = bypass_find();
  if (bypass)
    router_inform(PIECES("the libc hook only counts: the program calls a ", bypass, " that is not ours"));
  return !bypass;
}

static void tell_of_unknown_names(void) {
  char name[OPTIONS_NAME_BYTES];
  const char *meant;
  for (char *const *at = environ; options_next_unknown(&at, name, &meant);)
    router_warn(PIECES(name, ": unknown variable; ",
                       meant ? "the nearest is " : "arrowpool env names the nearest", meant ? meant : ""));
}

bool router_wake(void) {
  int asleep = 0;
  if (!environ || !atomic_compare_exchange_strong(&the_router.state, &asleep, 1))
    return false;
  int cancel_state = nocancel_begin();
  log_start();
  next_resolve_optional();
  options *settings = &the_router.settings;
  configure_read_environment(settings);
  if (!getauxval(AT_SECURE))
    tell_of_unknown_names();
  configure_all(settings);
  bool serves = libc_hook_serves(settings);
  set_up_hook(ROUTER_LIBC, "libc", OPTIONS_HOOK_LIBC, POOL_OWN_FREES_PASS, serves);
  set_up_libraries(serves);
  /* Where the pools themselves are patched, only what comes past them arrives at libarrow's mimalloc. */
  bool patched = ABI_KNOWN && settings->values[OPTION_HOOKS].number & OPTIONS_HOOK_ARROW_VTABLE;
  set_up_hook(ROUTER_ARROW_MIMALLOC, patched ? "arrow_mi" : "arrow.mimalloc", OPTIONS_HOOK_ARROW_MI,
              POOL_ALL_FREES_PASS, true);
  first_use_watch();
  atomic_store(&presence_now, PRESENCE_OF(ARROWPOOL_PRELOADED));
  atomic_store_explicit(&the_router.state, 2, memory_order_release);
  nocancel_end(cancel_state);
  return true;
}
