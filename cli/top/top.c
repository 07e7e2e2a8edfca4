/* `arrowpool top` reads its arguments, and shows the view as text or has screen.c do it. */
#include "cli/top/cells.h"
#include "cli/top/screen.h"

#include "base/live_name.h"
#include "cli/base/flags.h"
#include "cli/stats/live_files.h"
#include "cli/stats/process_truth.h"

#include <errno.h>
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

static bool parse_sort(const char *text, int *out) {
  int column = top_find_column(text);
  *out = column < 0 ? *out : column;
  return column >= 0;
}

/* Chooses what to look at: a directory, or a process that says which, in `room`. A directory
 * that is not there may be waited for. */
static int choose_directory(const char *argument, bool waits, top_view *v, char *room, size_t size) {
  static const process_truth_kind kind = {"live file", "--live", NULL};
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
    return is_pid ? process_truth_tell("top", argument, &kind, NULL)
                  : flags_missing("no directory given, and ARROW_POOL_LIVE is not set");
  if (!live_files_can_read(v->directory) && !(waits && errno == ENOENT && *v->directory))
    return cli_failure("top: %s: %s%s", v->directory, strerror(errno),
                       errno == ENOTDIR ? ": arrowpool show takes a file" : "");
  return CLI_OK;
}

static bool top_read_value(int id, const char *text, top_view *view, size_t *times) {
  switch (id) {
  case 'i':
    return cli_parse_refresh(text, &view->interval);
  case 's':
    return parse_sort(text, &view->model.sort);
  case 'n':
    return cli_parse_number(text, SIZE_MAX, times);
  case 'f':
    snprintf(view->model.filter, sizeof view->model.filter, "%s", text);
    return true;
  case 'p':
    return view->model.pools = true;
  case 'b':
    return view->model.by_program = strcmp(text, "program") == 0;
  default:
    *times = 1;
    return true;
  }
}

static int top_read_options(int argc, char **argv, top_view *view, size_t *times) {
  static char columns[300] = "one of ";
  static const flag flags[] = {FLAG_VALUE("interval", 'i', CLI_REFRESH_VALUES),
                               FLAG_VALUE("sort", 's', columns),
                               FLAG_VALUE("filter", 'f', "a text"),
                               FLAG_ALONE("pools", 'p'),
                               FLAG_VALUE("by", 'b', "program"),
                               FLAG_ALONE("once", 'o'),
                               FLAG_LETTER(NULL, 'n', "a number from 1 on")};
  top_list_words(columns + strlen(columns));
  FLAGS_DECLARE(flags, false);
  for (int id; (id = flags_next(argc, argv)) != -1;) {
    if (id == '?')
      return CLI_USAGE;
    if (!top_read_value(id, optarg, view, times))
      return flags_refuse(id, optarg);
  }
  return optind + 1 < argc ? flags_unexpected(argv[optind + 1], "top takes one PID or DIR") : CLI_OK;
}

int cli_top(int argc, char **argv) {
  top_view view = {.interval = 1000, .model.sort = TOP_COLUMN_LIVE};
  char theirs[PATH_MAX + 64];
  size_t times = 0;
  int status = top_read_options(argc, argv, &view, &times);
  if (status == CLI_OK)
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
