/* Puts the shim together: reads the options, and makes the pools and everything else as they say. It runs
 * once, in the constructor or at the first call of a hook, whichever comes first (router.h). */
#include "shim/router.h"

#include "base/misuse.h"
#include "base/nocancel.h"
#include "base/process_file.h"
#include "pool/pool_samples.h"
#include "pool/refusal.h"
#include "report/heartbeat.h"
#include "report/interpreter.h"
#include "report/live.h"
#include "report/snapshot.h"
#include "shim/bypass.h"
#include "shim/first_use.h"
#include "shim/library_pools.h"
#include "shim/log.h"
#include "shim/next.h"
#include "shim/tasks.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <unistd.h>

static const char *look_up_variable(void *context, const char *variable) {
  (void)context;
  return secure_getenv(variable);
}

static void complain_of_setting(void *context, const char *const pieces[], size_t count) {
  (void)context;
  router_warn(pieces, count);
}

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

static void configure_backend(const options *settings) {
  backend_jemalloc_configure((slots_policy){.decay = settings->values[OPTION_DECAY].number,
                                            .thp = (slots_thp)settings->values[OPTION_THP].number});
}

#define MOST_FINDINGS 1000

/* Tells a finding of the guard. What ends the program is said in any case; where it goes on, a loop would
 * fill the disk. */
static void tell_finding(const char *line) {
  static _Atomic uint64_t told;
  if (guard_mode != ARROWPOOL_DEBUG_WARN) {
    log_line(PIECES(line));
    return;
  }
  uint64_t before = atomic_fetch_add(&told, 1);
  if (before < MOST_FINDINGS)
    router_warn(PIECES(line));
  else if (before == MOST_FINDINGS)
    router_tell("arrowpool: debug: 1000 findings were told; no more are\n");
}

static void tell_misuse(const char *line) { log_line(PIECES(line)); }

static void configure_debug(const options *settings) {
  pool_set_debug((arrowpool_debug)settings->values[OPTION_DEBUG].number, tell_finding);
  misuse_tell = tell_misuse;
}

static void complain_of_live_file(const char *path, const char *problem) {
  router_warn(PIECES("no live file ", path, ": ", problem));
}

static void configure_name(const options *settings) {
  if (settings->values[OPTION_NAME].text)
    snapshot_set_job_name(settings->values[OPTION_NAME].text);
}

static void configure_live_file(const options *settings) {
  char path[PATH_MAX];
  const char *directory = settings->values[OPTION_LIVE].text;
  if (directory || settings->values[OPTION_STATS].text) {
    snapshot_find_groups();
    interpreter_watch();
  }
  if (!directory)
    return;
  live_start(process_file_absolute(directory, path), settings->values[OPTION_LIVE_KEEP].number,
             complain_of_live_file);
  heartbeat_start();
}

static void complain_of_profile(const char *path, const char *problem) {
  router_warn(PIECES("no profile ", path, ": ", problem));
}

static void watch_tasks(void) {
  static const arrow_tasks_callbacks tasks = {profile_origin_here, profile_current_origin,
                                              profile_count_task};
  tasks_watch(&tasks);
}

/* The program may begin one later, if the variable does not. */
static void configure_profile(const options *settings) {
  char path[PATH_MAX];
  const options_value *values = settings->values;
  profile_set_task_watch(watch_tasks);
  if (!values[OPTION_PROFILE].text)
    return;
  profile_wanted wanted = {.directory = process_file_absolute(values[OPTION_PROFILE].text, path),
                           .keep = values[OPTION_PROFILE_KEEP].number,
                           .mean = values[OPTION_PROFILE_MEAN].number,
                           .with = (unsigned)values[OPTION_PROFILE_FRAMES].number,
                           .complain = complain_of_profile};
  pool_samples_start(&wanted);
}

/* Tells of a limit once: whoever is at the limit asks again and again. */
static void tell_of_limit(const arrowpool_pool *pool, int64_t old_size, int64_t new_size) {
  static atomic_flag told;
  char text[REFUSAL_BYTES];
  pool_view view;
  if (pool_headroom_for(pool, old_size, new_size).refuses == LIMITS_NONE || atomic_flag_test_and_set(&told))
    return;
  refusal_describe(pool, old_size, new_size, text);
  router_warn(PIECES(text, "; this is said once. The pools:"));
  for (unsigned i = 0; i < POOL_COUNT; i++)
    if (pool_view_at(i, &view)) {
      refusal_describe_pool(&view, text);
      router_warn(PIECES("  ", text));
    }
}

static void configure_limit(const options *settings) {
  static char source[OPTIONS_SOURCE_BYTES];
  pool_on_refusal = tell_of_limit;
  if (settings->values[OPTION_LIMIT].given)
    pool_limit_all(options_limit(&settings->values[OPTION_LIMIT], source), source);
}

/* Tells of a processor for which nobody has written down how C++ calls functions (abi.h). */
static void tell_of_missing_hook(const options *settings) {
  bool wanted = settings->values[OPTION_HOOKS].number & OPTIONS_HOOK_ARROW_VTABLE;
  bool asked =
      settings->values[OPTION_HOOKS].given || settings->values[OPTION_LOG].number == OPTIONS_LOG_INFO;
  if (!ABI_KNOWN && wanted && asked)
    router_warn(PIECES("the arrow_vtable hook stays off on this processor"));
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
  options_read(settings, look_up_variable, complain_of_setting, NULL);
  if (!getauxval(AT_SECURE))
    tell_of_unknown_names();
  configure_backend(settings);
  configure_name(settings);
  configure_live_file(settings);
  configure_profile(settings);
  configure_debug(settings);
  configure_limit(settings);
  tell_of_missing_hook(settings);
  bool serves = libc_hook_serves(settings);
  set_up_hook(ROUTER_LIBC, "libc", OPTIONS_HOOK_LIBC, POOL_OWN_FREES_PASS, serves);
  set_up_libraries(serves);
  /* Where the pools themselves are patched, only what comes past them arrives at libarrow's mimalloc. */
  bool patched = ABI_KNOWN && settings->values[OPTION_HOOKS].number & OPTIONS_HOOK_ARROW_VTABLE;
  set_up_hook(ROUTER_ARROW_MIMALLOC, patched ? "arrow_mi" : "arrow.mimalloc", OPTIONS_HOOK_ARROW_MI,
              POOL_ALL_FREES_PASS, true);
  if (settings->values[OPTION_POOL].given && settings->values[OPTION_POOL].number == OPTIONS_POOL_SYSTEM)
    arrowpool_set_default(arrowpool_system());
  first_use_watch();
  atomic_store_explicit(&the_router.state, 2, memory_order_release);
  nocancel_end(cancel_state);
  return true;
}
