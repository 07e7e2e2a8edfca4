/* Runs the command `arrowpool`: chooses the subcommand. */
#include "cli/base/cli.h"

#include "arrowpool.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

static const cli_command commands[] = {
    {"run", "[OPTION]... [--] COMMAND [ARGUMENT]...", "run a command with the shim preloaded", cli_run,
     cli_run_describe, NULL},
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
    {"top", "[OPTION]... [PID|DIR]", "watch all processes that keep live files, and their pools", cli_top,
     cli_top_describe, NULL},
    {"serve", "[OPTION]...", "publish what all processes count, for Prometheus", cli_serve,
     cli_serve_describe, NULL},
    {"who", "[OPTION]... PID|FILE|DIR...", "say who holds the memory, by lines of Python: profiles", cli_who,
     cli_who_describe, "profile"},
};

static const cli_command *find_command(const char *name) {
  for (size_t i = 0; i < sizeof commands / sizeof *commands; i++)
    if (strcmp(commands[i].name, name) == 0 || (commands[i].alias && strcmp(commands[i].alias, name) == 0))
      return &commands[i];
  return NULL;
}

static void print_help(FILE *out) {
  fputs("usage: arrowpool COMMAND [ARGUMENT]...\n"
        "One allocator for Apache Arrow's buffers, put under programs that already exist.\n\n",
        out);
  for (size_t i = 0; i < sizeof commands / sizeof *commands; i++)
    fprintf(out, "  %-6s  %s\n", commands[i].name, commands[i].help);
  fputs("\n`arrowpool COMMAND --help` says more; `arrowpool --version` names the version.\n", out);
}

static void print_command_help(const cli_command *command) {
  printf("usage: arrowpool %s %s\n%c%s.\n", command->name, command->arguments, toupper(command->help[0]),
         command->help + 1);
  if (command->describe)
    command->describe();
}

int main(int argc, char **argv) {
  if (argc < 2) {
    print_help(stderr);
    return CLI_USAGE;
  }
  if (strcmp(argv[1], "--version") == 0) {
    printf("arrowpool %s\n", arrowpool_version());
    return fflush(stdout) ? CLI_FAILURE : CLI_OK;
  }
  if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0) {
    print_help(stdout);
    return fflush(stdout) ? CLI_FAILURE : CLI_OK;
  }
  const cli_command *command = find_command(argv[1]);
  if (!command)
    return cli_usage_error("%s: unknown command; see arrowpool --help", argv[1]);
  if (argc > 2 && (strcmp(argv[2], "--help") == 0 || strcmp(argv[2], "-h") == 0)) {
    print_command_help(command);
    return fflush(stdout) ? CLI_FAILURE : CLI_OK;
  }
  return command->run(argc - 1, argv + 1);
}
