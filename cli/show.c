/* `arrowpool show` prints the statistics of one process, from its live file or from a dump. */
#include "cli/base/cli.h"
#include "cli/stats/live_files.h"
#include "cli/stats/stats.h"
#include "report/live_name.h"

#include <dirent.h>
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
       "may be that of a process that was killed, or a dump.\n\n"
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
  DIR *files = opendir(directory);
  if (!files)
    return cli_failure("show: %s: %s", directory, strerror(errno));
  int64_t newest[2] = {-1, -1}, numbers[3];
  for (struct dirent *entry; (entry = readdir(files)) != NULL;) {
    if (!live_name_is(entry->d_name, numbers) || numbers[0] != atoll(pid))
      continue;
    if (numbers[1] > newest[0] || (numbers[1] == newest[0] && numbers[2] > newest[1])) {
      memcpy(newest, &numbers[1], sizeof newest);
      snprintf(out, FOUND_MAX, "%s/%s", directory, entry->d_name);
    }
  }
  closedir(files);
  return newest[0] < 0 ? cli_failure("show: %s: no live file in %s", pid, directory) : CLI_OK;
}

int cli_show(int argc, char **argv) {
  static const struct option longs[] = {
      {"format", required_argument, NULL, 'f'}, {"live", required_argument, NULL, 'l'}, {0}};
  arrowpool_format format = ARROWPOOL_FORMAT_TEXT;
  const char *directory = NULL, *path;
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
    path = found;
  }
  stats f;
  const char *problem = stats_read(path, &f);
  if (problem)
    return cli_failure("show: %s: %s", path, problem);
  if (runs && f.state == STATS_UNKNOWN) /* it is in a namespace of its own */
    f.state = STATS_RUNNING;
  if (format == ARROWPOOL_FORMAT_TEXT && f.state != STATS_ENDED)
    printf("%s%s%s\n", stats_state_name(f.state), *f.command ? ": " : "", f.command);
  if (f.lost)
    cli_failure("show: %s: %lld records found no room on the disk: sums are too small", path,
                (long long)f.lost);
  bool printed = stats_print(&f, format);
  stats_free(&f);
  return printed && fflush(stdout) == 0 ? CLI_OK : CLI_FAILURE;
}
