/* `arrowpool path` says where the files are that belong to this program: it looks from where it lies itself,
 * so a tree that was moved, and a wheel, are found out. */
#include "cli/base/flags.h"
#include "cli/base/nearest.h"
#include "cli/program/preload.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define DATA ARROWPOOL_DATADIR_FROM_BIN
#define DOC  DATA "/doc/arrowpool"

typedef struct path_row {
  const char *name, *from_bin, *help;
} path_row;

static const path_row rows[] = {
    {"shim", NULL, "the shim, for LD_PRELOAD"},
    {"lib", ARROWPOOL_LIBDIR_FROM_BIN, "the folder of the libraries, for the linker's -L"},
    {"include", ARROWPOOL_INCLUDEDIR_FROM_BIN,
     "the folder of the headers for C and C++, for the compiler's -I"},
    {"man", DATA "/man", "the manual pages, for MANPATH"},
    {"bash", DATA "/bash-completion/completions/arrowpool", "completion, to be sourced by bash"},
    {"zsh", DATA "/zsh/site-functions", "completion, a folder for zsh's fpath"},
    {"schemas", DOC "/schemas", "the JSON Schemas of dumps and reports"},
    {"alerts", DOC "/metrics/alerts.yml", "alert rules, for rule_files of Prometheus"},
    {"dashboard", DOC "/metrics/grafana.json", "a dashboard, for Grafana to import"},
    {"examples", DOC "/examples", "examples: programs, systemd, containers"},
};

enum { ROWS = sizeof rows / sizeof *rows };

void cli_path_describe(void) {
  puts("Without NAME it prints all of them, with their names.\n");
  for (const path_row *row = rows; row < rows + ROWS; row++)
    printf("  %-9s  %s\n", row->name, row->help);
}

/* Writes the file's path, PATH_MAX bytes at most. Returns false with errno if it is not there. */
static bool path_find(const path_row *row, char *out) {
  char at[PATH_MAX], directory[PATH_MAX];
  if (!row->from_bin)
    return preload_find_shim(out);
  ssize_t length = readlink("/proc/self/exe", directory, sizeof directory - 1);
  if (length < 0)
    return false;
  directory[length] = 0;
  *strrchr(directory, '/') = 0;
  if (snprintf(at, sizeof at, "%s/%s", directory, row->from_bin) >= (int)sizeof at) {
    errno = ENAMETOOLONG;
    return false;
  }
  return realpath(at, out) != NULL;
}

static int print_all(void) {
  char path[PATH_MAX];
  for (const path_row *row = rows; row < rows + ROWS; row++)
    printf("%-9s  %s\n", row->name, path_find(row, path) ? path : "not installed");
  return fflush(stdout) ? CLI_FAILURE : CLI_OK;
}

static const path_row *find_row(const char *name) {
  const path_row *row = rows;
  while (row < rows + ROWS && strcmp(row->name, name) != 0)
    row++;
  return row < rows + ROWS ? row : NULL;
}

static int refuse_name(const char *name) {
  char list[128] = "";
  nearest near = nearest_begin(name);
  for (const path_row *row = rows; row < rows + ROWS; row++) {
    nearest_try(&near, row->name);
    strcat(strcat(list, row > rows ? row + 1 == rows + ROWS ? " or " : ", " : ""), row->name);
  }
  const char *word = nearest_found(&near);
  return word ? cli_usage_error("path: %s: unknown name; the nearest is %s", name, word)
              : cli_usage_error("path: %s: unknown name; choose %s", name, list);
}

int cli_path(int argc, char **argv) {
  char path[PATH_MAX];
  flags_declare(NULL, 0, false);
  if (flags_next(argc, argv) != -1)
    return CLI_USAGE;
  if (optind == argc)
    return print_all();
  if (optind + 1 < argc)
    return flags_unexpected(argv[optind + 1], "path takes one name");
  const path_row *row = find_row(argv[optind]);
  if (!row)
    return refuse_name(argv[optind]);
  if (!path_find(row, path))
    return cli_failure("path: %s: not installed with this program", row->name);
  puts(path);
  return fflush(stdout) ? CLI_FAILURE : CLI_OK;
}
