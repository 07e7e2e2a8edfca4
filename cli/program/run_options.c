/* Reads and checks the options of the option table (run_options.h). They go through the environment, which
 * brings settings along as well. */
#include "cli/program/run_options.h"

#include "cli/base/variables.h"
#include "cli/program/settings.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void run_options_describe(void) {
  for (const options_row *row = options_table; row < options_table + OPTION_COUNT; row++) {
    char name[32], choices[128];
    cli_flag_name(row, name);
    options_describe_values(row, choices);
    bool optional = row == &options_table[OPTION_PROFILE];
    printf("  --%s=VALUE  (%s)\n      %s\n      VALUE: %s", name, row->variable, row->help, choices);
    if (optional)
      printf("; without =VALUE: the current directory");
    if (row->preset)
      printf("; default: %s", row->preset);
    puts("");
  }
}

/* ---- reading ---- */

static char names[OPTION_COUNT][32], values[OPTION_COUNT][128];

void run_options_declare(flag flags[OPTION_COUNT]) {
  for (int id = 0; id < OPTION_COUNT; id++) {
    cli_flag_name(&options_table[id], names[id]);
    options_describe_values(&options_table[id], values[id]);
    flags[id] = (flag){names[id], id + 1, values[id], false, id == OPTION_PROFILE};
  }
}

int run_options_take(int id, const char *given[OPTION_COUNT]) {
  if (id == 'v') {
    setenv(options_table[OPTION_LOG].variable, "info", 1);
    return CLI_OK;
  }
  const options_row *row = &options_table[id - 1];
  char name[40];
  const char *value = optarg ? optarg : ".";
  snprintf(name, sizeof name, "--%s", names[id - 1]);
  if (cli_check_value(row, name, value) != CLI_OK)
    return CLI_USAGE;
  setenv(row->variable, value, 1);
  given[id - 1] = names[id - 1];
  return CLI_OK;
}

/* ---- checking ---- */

static const char *look_up(void *context, const char *variable) {
  (void)context;
  return getenv(variable);
}

static void ignore(void *context, const char *const pieces[], size_t count) {
  (void)context;
  (void)pieces;
  (void)count;
}

/* Says what is wrong with a setting, by the name under which it was given. */
static int refuse_setting(int option, const char *name, const char *problem) {
  const char *variable = options_table[option].variable;
  return cli_usage_error("%s%s=%s: %s", name ? "--" : "", name ? name : variable, getenv(variable), problem);
}

/* Checks one setting with what it says of files. An option that does nothing is a mistake; a variable that
 * does nothing may be there for other commands. */
static int check_setting(const options *settings, int option, const char *name) {
  char text[SETTINGS_BYTES], needed[32];
  int parent = settings_parent(option);
  if (name && parent >= 0 && !settings->values[parent].given) {
    cli_flag_name(&options_table[parent], needed);
    snprintf(text, sizeof text, "does nothing without --%s", needed);
    return refuse_setting(option, name, text);
  }
  const char *problem = settings_judge(settings, option, text);
  return problem ? refuse_setting(option, name, problem) : CLI_OK;
}

int run_options_check(const char *const given[OPTION_COUNT]) {
  static options settings; /* it is static because it is large */
  char text[SETTINGS_BYTES];
  int status = CLI_OK;
  variables_check_own();
  for (int id = 0; id < OPTION_COUNT; id++) {
    const char *value = getenv(options_table[id].variable);
    if (value && *value && cli_check_value(&options_table[id], options_table[id].variable, value) != CLI_OK)
      return CLI_USAGE;
  }
  options_read(&settings, look_up, ignore, NULL);
  for (int id = 0; id < OPTION_COUNT && status == CLI_OK; id++)
    status = check_setting(&settings, id, given[id]);
  for (int id = 0; id < OPTION_COUNT && status == CLI_OK; id++) {
    const char *problem = settings_make_directory(&settings, id, text);
    status = problem ? refuse_setting(id, given[id], problem) : CLI_OK;
  }
  return status;
}
