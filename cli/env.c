/* `arrowpool env` prints the option table with the effective values that a process started now would see. */
#include "base/writer.h"
#include "cli/base/flags.h"
#include "cli/base/variables.h"

#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { VALUE_COLUMNS = 20 };

static const char *env_lookup(void *context, const char *variable) {
  (void)context;
  return secure_getenv(variable);
}

static void env_complain(void *context, const char *const pieces[], size_t count) {
  (void)context;
  char text[8192] = "";
  for (size_t i = 0; i < count; i++)
    strncat(text, pieces[i], sizeof text - strlen(text) - 1);
  cli_usage_error("%s", text);
}

int cli_env(int argc, char **argv) {
  options settings;
  bool refused = false;
  char source[OPTIONS_SOURCE_BYTES] = ""; /* of a percentage */
  flags_declare(NULL, 0, false);
  if (flags_next(argc, argv) != -1)
    return CLI_USAGE;
  if (optind < argc)
    return flags_unexpected(argv[optind], "env takes no argument");
  options_read(&settings, env_lookup, env_complain, NULL);
  variables_check_own();
  puts(OPTIONS_POOL_SENTENCE("\n") "\n");
  printf("%-26s %-*s %-12s %s\n", "VARIABLE", VALUE_COLUMNS, "VALUE", "SOURCE", "CHOICES");
  for (int id = 0; id < OPTION_COUNT; id++) {
    const options_row *row = &options_table[id];
    const options_value *value = &settings.values[id];
    char choices[128];
    options_describe_values(row, choices);
    options_value checked;
    const char *set = env_lookup(NULL, row->variable);
    refused |= set && *set && !options_parse(row, set, &checked);
    const char *shown = value->given ? env_lookup(NULL, row->variable) : row->preset ? row->preset : "none";
    char text[PATH_MAX];
    snprintf(text, sizeof text, "%s", shown);
    if (id == OPTION_LIMIT && value->given && value->number < 0)
      snprintf(text, sizeof text, "%s = %s", shown, SIZE_TEXT(options_limit(value, source)));
    writer_make_printable(text);
    int columns = writer_columns(text);
    printf("%-26s %s%*s %-12s %s\n", row->variable, text,
           columns < VALUE_COLUMNS ? VALUE_COLUMNS - columns : 0, "",
           value->given ? "environment" : "default", choices);
  }
  if (*source) {
    int64_t bytes = options_limit(&settings.values[OPTION_LIMIT], source);
    printf("\n%s: %" PRId64 " bytes\n", source, bytes);
  }
  if (fflush(stdout))
    return CLI_FAILURE;
  return refused ? CLI_USAGE : CLI_OK;
}
