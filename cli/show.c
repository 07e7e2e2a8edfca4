/* `arrowpool show` prints the statistics of one process, from its live file or from a dump. */
#include "base/clock.h"
#include "base/live_name.h"
#include "base/writer.h"
#include "cli/base/cli.h"
#include "cli/stats/last_seen.h"
#include "cli/stats/live_files.h"
#include "cli/stats/stats.h"
#include "cli/who/held.h"

#include <errno.h>
#include <getopt.h>
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

static int parse_format(const char *name, arrowpool_format *out) {
  static const char *const names[] = {"text", "json", "prometheus"};
  int index = cli_find_word(names, 3, name);
  *out = (arrowpool_format)(index < 0 ? 0 : index);
  return index >= 0 ? CLI_OK : cli_usage_error("show: --format=%s: choose text, json or prometheus", name);
}

/* Finds the live file of a process: the one that it has mapped, or, of one that is gone, the newest in the
 * directory: that of the last process of that number, after its last exec. */
static int find_live_file(const char *pid, const char *directory, char *out, bool *runs) {
  char theirs[PATH_MAX];
  bool told = directory && *directory;
  *runs = !told && live_files_of_process(pid, out, FOUND_MAX);
  if (*runs)
    return CLI_OK;
  if (!told)
    directory = live_files_directory(pid, theirs, sizeof theirs);
  if (!directory)
    return cli_failure(
        "show: %s: keeps no live file: start it with ARROW_POOL_LIVE, or say where with --live=DIR", pid);
  if (live_files_newest(directory, atoll(pid), LIVE_SUFFIX, out, FOUND_MAX))
    return CLI_OK;
  return errno ? cli_failure("show: %s: %s", directory, strerror(errno))
               : cli_failure("show: %s: no live file in %s", pid, directory);
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
  static const struct option longs[] = {
      {"format", required_argument, NULL, 'f'}, {"live", required_argument, NULL, 'l'}, {0}};
  arrowpool_format format = ARROWPOOL_FORMAT_TEXT;
  const char *directory = NULL, *path, *pid = NULL;
  char found[FOUND_MAX];
  bool runs = false;
  opterr = 0;
  for (int id; (id = getopt_long(argc, argv, ":", longs, NULL)) != -1;) {
    if (id == ':' || id == '?')
      return cli_option_error("show", id, argv);
    if (id == 'f' && parse_format(optarg, &format) != CLI_OK)
      return CLI_USAGE;
    if (id == 'l')
      directory = optarg;
  }
  if (optind + 1 != argc)
    return cli_usage_error("show: %s; see arrowpool show --help",
                           optind == argc ? "no PID or FILE given" : "too many");
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
    return cli_failure("show: %s: %s", path, problem);
  if (runs && f.state == STATS_UNKNOWN) { /* it is in a namespace of its own */
    f.state = STATS_RUNNING;
    f.process.is_last_sign = false;
    f.process.time = clock_since_epoch();
  }
  if (format == ARROWPOOL_FORMAT_TEXT && f.state != STATS_ENDED)
    print_state(&f);
  if (f.lost)
    cli_failure("show: %s: %lld records found no room on the disk: sums are too small", path,
                (long long)f.lost);
  bool printed = stats_print(&f, format);
  if (printed && format == ARROWPOOL_FORMAT_TEXT)
    print_held(pid, path, &f);
  stats_free(&f);
  return printed && fflush(stdout) == 0 ? CLI_OK : CLI_FAILURE;
}
