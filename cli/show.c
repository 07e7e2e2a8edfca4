/* `arrowpool show` prints the statistics of one process, from its live file or from a dump. */
#include "base/clock.h"
#include "base/live_name.h"
#include "base/writer.h"
#include "cli/base/flags.h"
#include "cli/base/open_regular.h"
#include "cli/stats/last_seen.h"
#include "cli/stats/live_files.h"
#include "cli/stats/process_truth.h"
#include "cli/stats/stats.h"
#include "cli/who/held.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FOUND_MAX (PATH_MAX + 256)

void cli_show_describe(void) {
  puts("Shows one process: PID of a running one that keeps a live file (ARROW_POOL_LIVE), or the FILE "
       "itself, which\n"
       "may be that of a process that was killed, or a dump. If the process keeps a profile, the text ends "
       "in\n"
       "the lines of Python that hold most.\n\n"
       "  --format=FORMAT  text, json or prometheus; default: text\n"
       "  --live=DIR       where live files are; default: what a running process says, or ARROW_POOL_LIVE of "
       "this "
       "environment");
}

static bool parse_format(const char *name, arrowpool_format *out) {
  static const char *const names[] = {"text", "json", "prometheus"};
  int index = cli_find_word(names, 3, name);
  *out = (arrowpool_format)(index < 0 ? 0 : index);
  return index >= 0;
}

/* Finds the live file of a process: the one that it has mapped, or, of one that is gone, the newest in the
 * directory: that of the last process of that number, after its last exec. */
static int find_live_file(const char *pid, const char *directory, char *out, bool *runs) {
  static const process_truth_kind kind = {"live file", "--live", "--live"};
  char theirs[PATH_MAX];
  bool told = directory && *directory;
  *runs = !told && live_files_of_process(pid, out, FOUND_MAX);
  if (*runs)
    return CLI_OK;
  if (!told)
    directory = live_files_directory(pid, theirs, sizeof theirs);
  errno = 0;
  if (directory && live_files_newest(directory, atoll(pid), LIVE_SUFFIX, out, FOUND_MAX))
    return CLI_OK;
  return errno ? cli_failure("show: %s: %s", directory, strerror(errno))
               : process_truth_tell("show", pid, &kind, directory);
}

/* Tells who holds the memory. `pid` is what the user gave, of a process that runs, or NULL. */
static void print_held(const char *pid, const char *path, const stats *f) {
  char number[24], profile[FOUND_MAX];
  if (!pid && f->state == STATS_RUNNING && f->process.pid > 0) {
    writer_format_int(number, f->process.pid);
    pid = number;
  }
  if (who_find_profile(pid, path, profile, sizeof profile))
    who_print_held((char *[]){profile}, 1, 1);
}

static void print_state(const stats *f) {
  writer w;
  printf("%s%s%s\n", stats_state_name(f->state), *f->command ? ": " : "", f->command);
  writer_init(&w, stats_write_to_stdout, NULL);
  last_seen_write(&w, f);
  writer_finish(&w);
}

int cli_show(int argc, char **argv) {
  static const flag flags[] = {FLAG_VALUE("format", 'f', "text, json or prometheus"),
                               FLAG_VALUE("live", 'l', "a directory")};
  arrowpool_format format = ARROWPOOL_FORMAT_TEXT;
  const char *directory = NULL, *path, *pid = NULL;
  char found[FOUND_MAX];
  bool runs = false;
  FLAGS_DECLARE(flags, false);
  for (int id; (id = flags_next(argc, argv)) != -1;) {
    if (id == '?')
      return CLI_USAGE;
    if (id == 'f' && !parse_format(optarg, &format))
      return flags_refuse(id, optarg);
    if (id == 'l')
      directory = optarg;
  }
  if (optind == argc)
    return flags_missing("no PID or FILE given");
  if (optind + 1 != argc)
    return flags_unexpected(argv[optind + 1], "show takes one PID or FILE; arrowpool report adds up several");
  path = argv[optind];
  if (live_files_is_pid(path)) {
    int status = find_live_file(path, directory, found, &runs);
    if (status != CLI_OK)
      return status;
    pid = runs ? path : NULL;
    path = found;
  }
  stats f;
  const char *problem = stats_read(path, &f);
  if (problem)
    return cli_failure("show: %s: %s%s", path, problem,
                       problem == open_regular_directory ? ": arrowpool report and top take one" : "");
  if (runs && f.state == STATS_UNKNOWN) { /* it is in a namespace of its own */
    f.state = STATS_RUNNING;
    f.process.is_last_sign = false;
    f.process.time = clock_since_epoch();
  }
  if (format == ARROWPOOL_FORMAT_TEXT && f.state != STATS_ENDED)
    print_state(&f);
  if (f.lost)
    cli_failure("show: %s: %lld records found no room on the disk, so sums are too small", path,
                (long long)f.lost);
  bool printed = stats_print(&f, format);
  if (printed && format == ARROWPOOL_FORMAT_TEXT)
    print_held(pid, path, &f);
  stats_free(&f);
  return printed && fflush(stdout) == 0 ? CLI_OK : CLI_FAILURE;
}
