/* Sets the library up as the options say (configure.h). */
#include "shim/configure.h"

#include "base/locks.h"
#include "base/misuse.h"
#include "base/process_file.h"
#include "pool/pool_samples.h"
#include "pool/refusal.h"
#include "report/heartbeat.h"
#include "report/interpreter.h"
#include "report/live.h"
#include "report/snapshot.h"
#include "shim/log.h"
#include "shim/router.h"
#include "shim/tasks.h"

#include <limits.h>
#include <stdlib.h>

static const char *look_up_variable(void *context, const char *variable) {
  (void)context;
  return secure_getenv(variable);
}

static void complain_of_variable(void *context, const char *const pieces[], size_t count) {
  (void)context;
  router_warn(pieces, count);
}

void configure_read_environment(options *out) {
  options_read(out, look_up_variable, complain_of_variable, NULL);
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

static void configure_default_pool(const options *settings) {
  const options_value *pool = &settings->values[OPTION_POOL];
  if (pool->given && pool->number == OPTIONS_POOL_SYSTEM)
    arrowpool_set_default(arrowpool_system());
}

static bool backend_is_started(void) {
  locks_acquire(LOCK_START);
  bool started = backend_jemalloc_started();
  locks_release(LOCK_START);
  return started;
}

const char *configure_refuse(const options *settings) {
  const options_value *values = settings->values;
  bool started = backend_is_started();
  if (started && values[OPTION_DECAY].given)
    return "decay: pools of this process are in use already, and keep what they have";
  if (started && values[OPTION_THP].given)
    return "thp: pools of this process are in use already, and keep what they have";
  if (values[OPTION_PROFILE].text && profile_on())
    return "profile: this process has one already, and cannot have a second one";
  if (values[OPTION_DEBUG].number != ARROWPOOL_DEBUG_OFF &&
      !pool_set_debug((arrowpool_debug)values[OPTION_DEBUG].number, tell_finding))
    return "debug: pools of this process are in use already, and stay unguarded";
  return NULL;
}

void configure_all(const options *settings) {
  configure_backend(settings);
  configure_name(settings);
  configure_live_file(settings);
  configure_profile(settings);
  configure_debug(settings);
  configure_limit(settings);
  configure_default_pool(settings);
  tell_of_missing_hook(settings);
}
