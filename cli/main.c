/* Runs the command `arrowpool`: chooses the subcommand. */
#include "cli/base/flags.h"
#include "cli/base/nearest.h"
#include "cli/program/program.h"
#include "cli/stats/live_files.h"

#include "arrowpool.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

static const cli_command commands[] = {
    {"run", "[OPTION]... [--] COMMAND [ARGUMENT]...", "run a command with the shim preloaded", cli_run,
     cli_run_describe, NULL},
    {"attach", "[OPTION]... PID", "serve the pools of a process that runs already", cli_attach,
     cli_attach_describe, NULL},
    {"env", "", "show every variable, its effective value and where that comes from", cli_env, NULL, NULL},
    {"show", "[OPTION]... PID|FILE", "show the statistics of one process, or of one that was killed",
     cli_show, cli_show_describe, NULL},
    {"doctor", "[OPTION]... COMMAND [ARGUMENT]...|PID",
     "say what the shim will serve, and what stands in its way", cli_doctor, cli_doctor_describe, NULL},
    {"report", "[OPTION]... FILE|DIRECTORY...", "add up the statistics of many processes", cli_report,
     cli_report_describe, NULL},
    {"record", "[OPTION]... [DIR] -o FILE.jsonl", "write down what processes count, as time series, for plot",
     cli_record, cli_record_describe, NULL},
    {"plot", "[OPTION]... FILE.jsonl... -o OUT.html|png|svg", "draw time series of processes", cli_plot,
     cli_plot_describe, NULL},
    {"path", "[NAME]", "say where the shim is, headers, alert rules, examples and the like", cli_path,
     cli_path_describe, NULL},
    {"top", "[OPTION]... [PID|DIR]", "watch all processes that keep live files, and their pools", cli_top,
     cli_top_describe, NULL},
    {"serve", "[OPTION]...", "publish what all processes count, for Prometheus", cli_serve,
     cli_serve_describe, NULL},
    {"who", "[OPTION]... PID|FILE|DIR...", "say who holds the memory, by lines of Python: profiles", cli_who,
     cli_who_describe, "profile"},
};

#define COMMAND_COUNT (sizeof commands / sizeof *commands)

static const cli_command *find_command(const char *name) {
  for (size_t i = 0; i < COMMAND_COUNT; i++)
    if (strcmp(commands[i].name, name) == 0 || (commands[i].alias && strcmp(commands[i].alias, name) == 0))
      return &commands[i];
  return NULL;
}

static void print_help(FILE *out) {
  fputs("usage: arrowpool COMMAND [ARGUMENT]...\n"
        "One allocator for Apache Arrow's buffers, put under programs that already "
        "exist.\n" OPTIONS_POOL_SENTENCE("\n") "\n\n",
        out);
  for (size_t i = 0; i < COMMAND_COUNT; i++)
    fprintf(out, "  %-6s  %s\n", commands[i].name, commands[i].help);
  fputs("\n`arrowpool help COMMAND` says more, as does `arrowpool COMMAND --help`; `arrowpool --version` "
        "names the "
        "version.\n",
        out);
}

/* ---- what is wrong ---- */

/* Says what may be meant by a word that is no command: a command or an option that is spelled otherwise, or
 * what a command should be given. */
static int refuse_command(const char *text) {
  char list[256] = "", path[PATH_MAX];
  struct stat status;
  nearest found = nearest_begin(text);
  nearest_try(&found, "version");
  nearest_try(&found, "help");
  for (size_t i = 0; i < COMMAND_COUNT; i++) {
    nearest_try(&found, commands[i].name);
    if (commands[i].alias)
      nearest_try(&found, commands[i].alias);
    strcat(strcat(list, i ? i + 1 == COMMAND_COUNT ? " or " : ", " : ""), commands[i].name);
  }
  const char *word = nearest_found(&found);
  if (word)
    return cli_usage_error("%s: unknown command; the nearest is %s%s", text,
                           strcmp(word, "version") == 0 ? "--" : "", word);
  if (live_files_is_pid(text) ||
      (stat(text, &status) == 0 && S_ISREG(status.st_mode) && program_find(text, path)))
    return cli_usage_error("%s: unknown command; to see its figures: arrowpool show %s", text, text);
  if (program_find(text, path) == 0)
    return cli_usage_error("%s: unknown command; to run it: arrowpool run -- %s", text, text);
  return cli_usage_error("%s: unknown command; choose %s", text, list);
}

static int refuse_own_option(const char *text) {
  static const char *const words[] = {"--version", "--help"};
  const char *word = NULL;
  nearest found = nearest_begin(text);
  for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
    nearest_try(&found, words[i]);
    if (tolower((unsigned char)text[1]) == words[i][2] && !text[2])
      word = words[i];
  }
  word = word ? word : nearest_found(&found);
  if (word)
    return cli_usage_error("%s: unknown option; the nearest is %s", text, word);
  return cli_usage_error(
      "%s: unknown option; choose --help or --version; those of a command stand behind its name", text);
}

/* ---- the command line ---- */

static int help_on(const char *name) {
  const cli_command *command = name ? find_command(name) : NULL;
  if (name && !command)
    return refuse_command(name);
  if (command)
    flags_print_help(command);
  else
    print_help(stdout);
  return fflush(stdout) ? CLI_FAILURE : CLI_OK;
}

static bool is_one_of(const char *text, const char *one, const char *other) {
  return strcmp(text, one) == 0 || strcmp(text, other) == 0;
}

int main(int argc, char **argv) {
  if (argc < 2) {
    print_help(stderr);
    return CLI_USAGE;
  }
  if (is_one_of(argv[1], "--version", "-V")) {
    printf("arrowpool %s\n", ARROWPOOL_VERSION);
    return fflush(stdout) ? CLI_FAILURE : CLI_OK;
  }
  if (is_one_of(argv[1], "--help", "-h") || strcmp(argv[1], "help") == 0)
    return help_on(argc > 2 ? argv[2] : NULL);
  const cli_command *command = find_command(argv[1]);
  if (!command)
    return argv[1][0] == '-' ? refuse_own_option(argv[1]) : refuse_command(argv[1]);
  flags_begin(command);
  return command->run(argc - 1, argv + 1);
}
