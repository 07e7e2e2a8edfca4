/* Goes by what a running process has mapped, as the other commands do; of one that is gone by the names in a
 * directory. */
#include "cli/who/sources.h"

#include "cli/base/cli.h"
#include "cli/base/find_files.h"
#include "cli/stats/live_files.h"
#include "cli/stats/process_truth.h"
#include "options/options.h"
#include "profile/profile_format.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define FOUND_MAX (PATH_MAX + 256)

typedef struct search {
  who_sources *sources;
  bool minus;
  size_t found, failed;
} search;

static void source_complain(void *context, const char *path, const char *problem) {
  search *s = context;
  s->sources->failed++;
  s->failed++;
  cli_failure("who: %s: %s", path, problem);
}

static void source_take(void *context, const char *path, bool named) {
  search *s = context;
  const char *problem = who_add_file(s->sources->model, path, s->minus);
  /* A process that ends takes its file away, perhaps after the directory was read. */
  if (problem && !named && strcmp(problem, strerror(ENOENT)) == 0)
    return;
  s->found++;
  if (problem)
    source_complain(s, path, problem);
}

/* Returns CLI_OK, or the status behind a message. */
static int find_profile(const who_sources *s, const char *pid, char *out, bool *runs) {
  static const process_truth_kind kind = {"profile", "--profile", "--profile"};
  char theirs[PATH_MAX];
  const char *directory = s->directory;
  *runs = !directory && live_files_mapped(pid, PROFILE_SUFFIX, out, FOUND_MAX);
  if (*runs)
    return CLI_OK;
  if (!directory)
    directory = live_files_directory_by(OPTIONS_PREFIX "_PROFILE", pid, theirs, sizeof theirs);
  errno = 0;
  if (directory && live_files_newest(directory, atoll(pid), PROFILE_SUFFIX, out, FOUND_MAX))
    return CLI_OK;
  return errno ? cli_failure("who: %s: %s", directory, strerror(errno))
               : process_truth_tell("who", pid, &kind, directory);
}

static void add_process(who_sources *s, const char *pid, bool minus) {
  char path[FOUND_MAX];
  bool runs;
  size_t before = s->model->process_count;
  if (find_profile(s, pid, path, &runs) != CLI_OK) {
    s->failed++;
    return;
  }
  source_take(&(search){.sources = s, .minus = minus}, path, true);
  if (runs && s->model->process_count > before && s->model->processes[before].state == STATS_UNKNOWN)
    s->model->processes[before].state = STATS_RUNNING; /* it is in a namespace of its own */
}

static void add_files(who_sources *s, const char *path, bool minus) {
  search one = {.sources = s, .minus = minus};
  find_files_ending(path, PROFILE_SUFFIX, source_take, source_complain, &one);
  if (!one.found && !one.failed) {
    s->failed++;
    cli_failure("who: %s: no %s file there", path, PROFILE_SUFFIX);
  }
}

bool who_add_source(who_sources *s, const char *argument, bool minus) {
  struct stat status;
  size_t before = s->model->process_count;
  if (live_files_is_pid(argument) && stat(argument, &status) != 0)
    add_process(s, argument, minus);
  else
    add_files(s, argument, minus);
  return s->model->process_count > before;
}
