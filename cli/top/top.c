/* `arrowpool top` reads its arguments, and shows the view as text or has screen.c do it. */
#include "cli/top/cells.h"
#include "cli/top/screen.h"

#include "base/live_name.h"
#include "cli/base/cli.h"
#include "cli/stats/live_files.h"

#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

void cli_top_describe(void) {
  char words[256];
  top_list_words(words);
  puts("Shows the processes that keep live files in DIR; default: ARROW_POOL_LIVE of this environment. A "
       "DIR that is\n"
       "not there yet is waited for. With PID only that process, which says itself where its file is. Keys: "
       "press h.\n"
       "Without a terminal the same as text, with exact numbers.\n\n"
       "  --interval=TIME  time between refreshes, such as 500ms, 1s or 5m; default: 1s");
  printf("  --sort=FIELD     %s;\n"
         "                   default: %s\n",
         words, top_columns[TOP_COLUMN_LIVE].word);
  puts("  --filter=TEXT    only processes with that in their number, program, name, command, state or pools\n"
       "  --pools          begin with the pools of all processes shown\n"
       "  --by=program     totals: a line for each program, and job's name; of running processes\n"
       "  --once           text, once\n"
       "  -n N             text, N times");
}

/* ---- text ---- */

static int print_text(top_view *v, size_t times) {
  for (size_t i = 0; !times || i < times; i++) {
    if (i) {
      poll(NULL, 0, (int)v->interval);
      puts("");
    }
    top_refresh(v);
    if (*v->problem && !v->waits)
      return cli_failure("top: %s: %s", v->directory, v->problem);
    if (*v->problem && !i)
      cli_failure("top: %s: not there yet", v->directory); /* it is said as failures are, and is none */
    if (!top_print(&v->model))
      return CLI_FAILURE;
  }
  return CLI_OK;
}

/* ---- arguments ---- */

static int parse_sort(const char *text, int *out) {
  int column = top_find_column(text);
  if (column >= 0) {
    *out = column;
    return CLI_OK;
  }
  char words[256];
  top_list_words(words);
  return cli_usage_error("top: --sort=%s: choose one of %s", text, words);
}

static int parse_by(const char *text, bool *out) {
  *out = strcmp(text, "program") == 0;
  return *out ? CLI_OK : cli_usage_error("top: --by=%s: choose program", text);
}

/* Chooses what to look at: a directory, or a process that says which, in `room`. A directory
 * that is not there may be waited for. */
static int choose_directory(const char *argument, bool waits, top_view *v, char *room, size_t size) {
  struct stat status;
  bool is_pid = argument && live_files_is_pid(argument) && stat(argument, &status) != 0;
  v->pid = is_pid ? atoll(argument) : 0;
  if (is_pid && live_files_of_process(argument, room, size)) {
    char *slash = strrchr(room, '/');
    int64_t numbers[3];
    if (live_name_is(slash + 1, numbers))
      v->pid = numbers[0];
    *slash = 0;
    v->directory = room;
  } else {
    v->directory = argument && !is_pid ? argument : live_files_directory(argument, room, size);
  }
  if (!v->directory)
    return is_pid ? cli_failure("top: %s: keeps no live file: start it with ARROW_POOL_LIVE", argument)
                  : cli_usage_error("top: no directory given, and ARROW_POOL_LIVE is not set");
  if (!live_files_can_read(v->directory) && !(waits && errno == ENOENT && *v->directory))
    return cli_failure("top: %s: %s", v->directory, strerror(errno));
  return CLI_OK;
}

int cli_top(int argc, char **argv) {
  static const struct option longs[] = {{"interval", required_argument, NULL, 'i'},
                                        {"sort", required_argument, NULL, 's'},
                                        {"filter", required_argument, NULL, 'f'},
                                        {"pools", no_argument, NULL, 'p'},
                                        {"by", required_argument, NULL, 'b'},
                                        {"once", no_argument, NULL, 'o'},
                                        {0}};
  top_view view = {.interval = 1000, .model.sort = TOP_COLUMN_LIVE};
  char theirs[PATH_MAX + 64];
  size_t times = 0;
  int status = CLI_OK;
  opterr = 0;
  for (int id; (id = getopt_long(argc, argv, ":n:", longs, NULL)) != -1;) {
    if (id == ':' || id == '?')
      return cli_option_error("top", id, argv);
    if (id == 'i')
      status = cli_parse_refresh("top: --interval", optarg, &view.interval);
    else if (id == 's')
      status = parse_sort(optarg, &view.model.sort);
    else if (id == 'n')
      status = cli_parse_number(optarg, SIZE_MAX, &times)
                   ? CLI_OK
                   : cli_usage_error("top: -n %s: choose a number from 1 on", optarg);
    else if (id == 'f')
      snprintf(view.model.filter, sizeof view.model.filter, "%s", optarg);
    else if (id == 'p')
      view.model.pools = true;
    else if (id == 'b')
      status = parse_by(optarg, &view.model.by_program);
    else
      times = 1;
    if (status != CLI_OK)
      return status;
  }
  if (optind + 1 < argc)
    return cli_usage_error("top: too many arguments; see arrowpool top --help");
  status = choose_directory(optind < argc ? argv[optind] : NULL, !times, &view, theirs, sizeof theirs);
  if (status != CLI_OK)
    return status;
  view.model.pools |= view.pid != 0;
  view.waits = access(view.directory, F_OK) != 0;
  bool text = times || !isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO);
  status = text ? print_text(&view, times) : top_screen(&view);
  top_model_free(&view.model);
  return status;
}
