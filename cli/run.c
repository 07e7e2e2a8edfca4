/* `arrowpool run`: set the variables, put the shim in front of LD_PRELOAD, become the command. */
#include "cli.h"

#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SHIM "libarrowpool_preload.so"

void cli_run_describe(void) {
  puts("The command replaces this process, so its exit status is its own.\n"
       "Each option sets the variable of the same name; --pool is jemalloc unless given here or in the "
       "environment.\n");
  for (const options_row *row = options_table; row < options_table + OPTION_COUNT; row++) {
    char flag[32], choices[128];
    cli_flag_name(row, flag);
    options_describe_values(row, choices);
    printf("  --%s=VALUE  (%s)\n      %s\n      VALUE: %s", flag, row->variable, row->help, choices);
    if (row->fallback)
      printf("; default: %s", row->fallback);
    if (row->not_yet)
      printf("; not yet: %s", row->not_yet[0] == '*' ? "all" : row->not_yet);
    puts("");
  }
}

/* Where the shim is: beside this program in the build folder, or where it was installed. */
static int find_shim(char *out) {
  static const char *const places[] = {"../shim/" SHIM, ARROWPOOL_LIBDIR_FROM_BIN "/" SHIM};
  char directory[PATH_MAX], candidate[PATH_MAX + 64];
  ssize_t length = readlink("/proc/self/exe", directory, sizeof directory - 1);
  if (length > 0) {
    directory[length] = 0;
    *strrchr(directory, '/') = 0;
    for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
      snprintf(candidate, sizeof candidate, "%s/%s", directory, places[i]);
      if (realpath(candidate, out))
        return CLI_OK;
    }
  }
  if (realpath(ARROWPOOL_LIBDIR "/" SHIM, out))
    return CLI_OK;
  return cli_failure("%s: neither beside this program nor in %s", SHIM, ARROWPOOL_LIBDIR);
}

static int set_preload(void) {
  char shim[PATH_MAX];
  int status = find_shim(shim);
  if (status != CLI_OK)
    return status;
  if (strpbrk(shim, ": "))
    return cli_failure("%s: LD_PRELOAD cannot hold a path with a space or a colon", shim);
  const char *others = getenv("LD_PRELOAD");
  char *list;
  if (asprintf(&list, "%s%s%s", shim, others && *others ? ":" : "", others ? others : "") < 0)
    return cli_failure("LD_PRELOAD: %s", strerror(errno));
  setenv("LD_PRELOAD", list, 1);
  free(list);
  return CLI_OK;
}

/* What the environment brings along is checked as well: nothing starts with a setting that does not hold. */
static int check_environment(void) {
  for (const options_row *row = options_table; row < options_table + OPTION_COUNT; row++) {
    const char *text = getenv(row->variable);
    if (text && *text && cli_check_value(row, row->variable, text) != CLI_OK)
      return CLI_USAGE;
  }
  return CLI_OK;
}

static int read_options(int argc, char **argv) {
  static char flags[OPTION_COUNT][32];
  struct option longs[OPTION_COUNT + 1] = {0};
  for (int id = 0; id < OPTION_COUNT; id++) {
    cli_flag_name(&options_table[id], flags[id]);
    longs[id] = (struct option){flags[id], required_argument, NULL, id};
  }
  opterr = 0;
  for (;;) {
    int at = optind, id = getopt_long(argc, argv, "+:", longs, NULL);
    if (id == -1)
      return CLI_OK;
    if (id == ':')
      return cli_usage_error("run: %s: needs a value", argv[at]);
    if (id == '?')
      return cli_usage_error("run: %s: unknown option; see arrowpool run --help", argv[at]);
    char name[40];
    snprintf(name, sizeof name, "--%s", flags[id]);
    if (cli_check_value(&options_table[id], name, optarg) != CLI_OK)
      return CLI_USAGE;
    setenv(options_table[id].variable, optarg, 1);
  }
}

int cli_run(int argc, char **argv) {
  const char *pool = getenv(OPTIONS_PREFIX);
  if (!pool || !*pool)
    setenv(OPTIONS_PREFIX, "jemalloc", 1);
  int status = read_options(argc, argv);
  if (status == CLI_OK)
    status = check_environment();
  if (status == CLI_OK && optind == argc)
    status = cli_usage_error("run: no command given; see arrowpool run --help");
  if (status == CLI_OK)
    status = set_preload();
  if (status != CLI_OK)
    return status;
  execvp(argv[optind], argv + optind);
  int error = errno;
  cli_failure("%s: %s", argv[optind], strerror(error));
  return error == ENOENT ? 127 : 126; /* as a shell has it */
}
