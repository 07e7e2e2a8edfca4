/* `arrowpool run` sets the variables, puts the shim in front of LD_PRELOAD, and becomes the command. */
#include "cli/base/cli.h"
#include "cli/base/variables.h"
#include "cli/program/preload.h"
#include "cli/program/program.h"

#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void cli_run_describe(void) {
  puts(OPTIONS_POOL_SENTENCE(
      "\n") "\n"
            "The command replaces this process, so its exit status is its own.\n"
            "Each option sets the variable of the same name; --pool is jemalloc unless given here or in the "
            "environment.\n\n"
            "  -v, --verbose  as --log=info: say in a line what is served, and how, when the first pool is "
            "used");
  for (const options_row *row = options_table; row < options_table + OPTION_COUNT; row++) {
    char flag[32], choices[128];
    cli_flag_name(row, flag);
    options_describe_values(row, choices);
    bool optional = row == &options_table[OPTION_PROFILE];
    printf("  --%s=VALUE  (%s)\n      %s\n      VALUE: %s", flag, row->variable, row->help, choices);
    if (optional)
      printf("; without =VALUE: the current directory");
    if (row->preset)
      printf("; default: %s", row->preset);
    puts("");
  }
}

static int set_preload(void) {
  char shim[PATH_MAX];
  if (!preload_find_shim(shim))
    return cli_failure("%s: neither beside this program nor in %s", PRELOAD_SHIM, ARROWPOOL_LIBDIR);
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

/* Checks what the environment brings along as well: nothing starts with a setting that does not hold. A name
 * that is none of ours may be another's: it is told of, and the command starts. */
static int check_environment(void) {
  variables_check_own();
  for (const options_row *row = options_table; row < options_table + OPTION_COUNT; row++) {
    const char *text = getenv(row->variable);
    if (text && *text && cli_check_value(row, row->variable, text) != CLI_OK)
      return CLI_USAGE;
  }
  return CLI_OK;
}

static int run_read_options(int argc, char **argv) {
  static char flags[OPTION_COUNT][32];
  struct option longs[OPTION_COUNT + 2] = {[OPTION_COUNT] = {"verbose", no_argument, NULL, 'v'}};
  for (int id = 0; id < OPTION_COUNT; id++) {
    cli_flag_name(&options_table[id], flags[id]);
    longs[id] =
        (struct option){flags[id], id == OPTION_PROFILE ? optional_argument : required_argument, NULL, id};
  }
  opterr = 0;
  for (int id; (id = getopt_long(argc, argv, "+:v", longs, NULL)) != -1;) {
    if (id == ':' || id == '?')
      return cli_option_error("run", id, argv);
    if (id == 'v') {
      setenv(options_table[OPTION_LOG].variable, "info", 1);
      continue;
    }
    char name[40];
    const char *value = optarg ? optarg : ".";
    snprintf(name, sizeof name, "--%s", flags[id]);
    if (cli_check_value(&options_table[id], name, value) != CLI_OK)
      return CLI_USAGE;
    setenv(options_table[id].variable, value, 1);
  }
  return CLI_OK;
}

/* Tells of a program into which nothing can be preloaded; it runs all the same, with LD_PRELOAD for what it
 * starts. Not so musl's: its loader would try, and fail. What is wrong with the command itself is execvp's to
 * say. */
static int run_prepare(char **command, bool *is_elf, char *path) {
  program p;
  char reason[300];
  program_verdict verdict = PROGRAM_PRELOADS;
  bool opened = program_open(command, &p) == NULL;
  *is_elf = p.is_elf && !*p.via;
  snprintf(path, PATH_MAX, "%s", p.path);
  if (opened) {
    verdict = program_judge(&p, reason);
    if (verdict != PROGRAM_PRELOADS)
      cli_failure("run: %s cannot be preloaded: %s", p.path, reason); /* it is started all the same */
    program_close(&p);
  }
  return verdict == PROGRAM_OTHER_LIBC ? CLI_OK : set_preload();
}

int cli_run(int argc, char **argv) {
  const char *pool = getenv(OPTIONS_PREFIX);
  bool is_elf;
  char path[PATH_MAX];
  if (!pool || !*pool)
    setenv(OPTIONS_PREFIX, "jemalloc", 1);
  int status = run_read_options(argc, argv);
  if (status == CLI_OK)
    status = check_environment();
  if (status == CLI_OK && optind == argc)
    status = cli_usage_error("run: no command given; see arrowpool run --help");
  if (status == CLI_OK)
    status = run_prepare(argv + optind, &is_elf, path);
  if (status != CLI_OK)
    return status;
  if (is_elf) /* execvp would take one of another processor for a shell script */
    execv(path, argv + optind);
  else
    execvp(argv[optind], argv + optind);
  int error = errno;
  cli_failure("%s: %s", argv[optind], strerror(error));
  return error == ENOENT ? 127 : 126; /* a shell has it so */
}
