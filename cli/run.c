/* `arrowpool run` sets the variables, puts the shim in front of LD_PRELOAD, and becomes the command. */
#include "cli/base/flags.h"
#include "cli/program/explain.h"
#include "cli/program/preload.h"
#include "cli/program/run_options.h"

#include <errno.h>
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
  run_options_describe();
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

/* ---- options ---- */

static int run_read_options(int argc, char **argv, const char *given[OPTION_COUNT]) {
  static flag flags[OPTION_COUNT + 1] = {[OPTION_COUNT] = FLAG_LETTER("verbose", 'v', NULL)};
  run_options_declare(flags);
  FLAGS_DECLARE(flags, true);
  for (int id; (id = flags_next(argc, argv)) != -1;)
    if (id == '?' || run_options_take(id, given) != CLI_OK)
      return CLI_USAGE;
  return optind == argc ? flags_missing("no command given") : CLI_OK;
}

/* Returns whether a word is one of our options. Those that many programs have too, such as --debug, do not
 * count. */
static bool is_distinct_flag(const char *word) {
  static const char *const beginnings[] = {"--stats", "--live", "--profile-"};
  size_t length = strcspn(word, "=");
  bool distinct = false;
  for (size_t i = 0; i < sizeof beginnings / sizeof *beginnings; i++)
    distinct |= strncmp(word, beginnings[i], strlen(beginnings[i])) == 0;
  for (const options_row *row = options_table; distinct && row < options_table + OPTION_COUNT; row++) {
    char name[32];
    cli_flag_name(row, name);
    if (strlen(name) == length - 2 && strncmp(word + 2, name, length - 2) == 0)
      return true;
  }
  return false;
}

/* Tells of an option of ours behind the command, to which it belongs there. Behind a -- nobody errs. */
static void tell_of_options_behind(int argc, char **argv) {
  if (strcmp(argv[optind - 1], "--") == 0)
    return;
  for (int i = optind + 1; i < argc && strcmp(argv[i], "--") != 0; i++)
    if (is_distinct_flag(argv[i]))
      cli_failure("run: %s: stands behind the command, and is its own; options of run stand before it",
                  argv[i]);
}

/* ---- the command ---- */

/* Tells of a program into which nothing can be preloaded; it runs all the same, with LD_PRELOAD for what it
 * starts. Not so musl's: its loader would try, and fail. What is wrong with the command itself is execvp's to
 * say. */
static int run_prepare(char **command, program *p, const char **problem) {
  char reason[300];
  program_verdict verdict = PROGRAM_PRELOADS;
  *problem = program_open(command, p);
  if (!*problem) {
    verdict = program_judge(p, reason);
    if (verdict != PROGRAM_PRELOADS)
      cli_failure("run: %s cannot be preloaded: %s", p->path, reason); /* it is started all the same */
    program_close(p);
  }
  return verdict == PROGRAM_OTHER_LIBC ? CLI_OK : set_preload();
}

/* Writes what the word before a command that is not there may be: the command, whose place is an option's
 * value. */
static const char *hint_at_value(const char *word, char out[FLAGS_VALUE_BYTES]) {
  char path[PATH_MAX];
  bool meant = program_find(word, path) == 0 || strspn(word, "0123456789") == strlen(word);
  return meant ? flags_last_value(out) : "";
}

int cli_run(int argc, char **argv) {
  static program p; /* it is static because it is large */
  const char *pool = getenv(OPTIONS_PREFIX), *problem, *given[OPTION_COUNT] = {0};
  char words[EXPLAIN_BYTES], value[FLAGS_VALUE_BYTES];
  if (!pool || !*pool)
    setenv(OPTIONS_PREFIX, "jemalloc", 1);
  int status = run_read_options(argc, argv, given);
  if (status == CLI_OK)
    status = run_options_check(given);
  if (status == CLI_OK)
    status = run_prepare(argv + optind, &p, &problem);
  if (status != CLI_OK)
    return status;
  tell_of_options_behind(argc, argv);
  if (p.is_elf && !*p.via) /* execvp would take one of another processor for a shell script */
    execv(p.path, argv + optind);
  else
    execvp(argv[optind], argv + optind);
  int error = errno;
  cli_failure("%s: %s%s", argv[optind], explain_failure(argv[optind], error, &p, problem, words),
              error == ENOENT ? hint_at_value(argv[optind - 1], value) : "");
  return error == ENOENT ? 127 : 126; /* a shell has it so */
}
