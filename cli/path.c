/* `arrowpool path` says where the files are that belong to this program: it looks from where it lies itself,
 * so a tree that was moved, and a wheel, are found out. */
#include "cli/base/cli.h"
#include "cli/program/preload.h"

#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <stdio.h>
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

int cli_path(int argc, char **argv) {
  static const struct option none[] = {{0}};
  char path[PATH_MAX];
  opterr = 0;
  int id = getopt_long(argc, argv, "+:", none, NULL);
  if (id != -1)
    return cli_option_error("path", id, argv);
  if (optind == argc)
    return print_all();
  if (optind + 1 < argc)
    return cli_usage_error("path: too many; see arrowpool path --help");
  const path_row *row = rows;
  while (row < rows + ROWS && strcmp(row->name, argv[optind]) != 0)
    row++;
  if (row == rows + ROWS)
    return cli_usage_error("path: %s: unknown; see arrowpool path --help", argv[optind]);
  if (!path_find(row, path))
    return cli_failure("path: %s: not installed with this program", row->name);
  puts(path);
  return fflush(stdout) ? CLI_FAILURE : CLI_OK;
}
