/* Prints what a command says when it cannot go on, and judges its options. */
#include "cli/base/cli.h"

#include "base/writer.h"

#include <ctype.h>
#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* Prints one line, whatever is in the names and values that it tells of. */
static int cli_complain(const char *format, va_list arguments, int status) {
  char text[8192];
  vsnprintf(text, sizeof text, format, arguments);
  writer_make_printable(text);
  fprintf(stderr, "arrowpool: %s\n", text);
  return status;
}

int cli_usage_error(const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  int status = cli_complain(format, arguments, CLI_USAGE);
  va_end(arguments);
  return status;
}

int cli_failure(const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  int status = cli_complain(format, arguments, CLI_FAILURE);
  va_end(arguments);
  return status;
}

int cli_option_error(const char *command, int id, char **argv) {
  char letter[] = {'-', (char)optopt, 0};
  bool is_letter = id == '?' && optopt && strncmp(argv[optind - 1], "--", 2) != 0;
  const char *name = is_letter ? letter : argv[optind - 1];
  if (id == ':')
    return cli_usage_error("%s: %s: needs a value", command, name);
  return cli_usage_error("%s: %s: unknown option; see arrowpool %s --help", command, name, command);
}

void cli_flag_name(const options_row *row, char *out) {
  const char *suffix = row->variable + sizeof OPTIONS_PREFIX - 1;
  strcpy(out, "pool");
  if (!*suffix)
    return;
  for (suffix++; *suffix; suffix++)
    *out++ = (char)(*suffix == '_' ? '-' : tolower(*suffix));
  *out = 0;
}

int cli_check_value(const options_row *row, const char *name, const char *text) {
  options_value value;
  char choices[128];
  if (options_parse(row, text, &value))
    return CLI_OK;
  if (options_too_long(text))
    return cli_usage_error("%s: longer than a path may be", name);
  options_describe_values(row, choices);
  return cli_usage_error("%s=%s: choose %s", name, text, choices);
}
