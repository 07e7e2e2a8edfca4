/* Prints what a command says when it cannot go on, and judges values. */
#include "cli/base/cli.h"

#include "base/writer.h"

#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
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

void cli_flag_name(const options_row *row, char *out) {
  const char *suffix = row->variable + sizeof OPTIONS_PREFIX - 1;
  strcpy(out, "pool");
  if (!*suffix)
    return;
  for (suffix++; *suffix; suffix++)
    *out++ = (char)(*suffix == '_' ? '-' : tolower(*suffix));
  *out = 0;
}

int cli_find_word(const char *const words[], size_t count, const char *text) {
  while (count-- && strcmp(words[count], text) != 0)
    ;
  return (int)count;
}

bool cli_parse_number(const char *text, size_t most, size_t *out) {
  errno = 0;
  unsigned long number = strspn(text, "0123456789") == strlen(text) ? strtoul(text, NULL, 10) : 0;
  bool good = number && number <= most && !errno;
  *out = good ? number : *out;
  return good;
}

bool cli_parse_time(const char *text, int64_t *out) {
  options_value value;
  bool good = options_parse(&options_table[OPTION_STATS_INTERVAL], text, &value);
  *out = good ? value.number : *out;
  return good;
}

bool cli_parse_refresh(const char *text, int64_t *out) {
  int64_t time = 0;
  bool good = cli_parse_time(text, &time) && time >= CLI_SHORTEST && time <= CLI_LONGEST;
  *out = good ? time : *out;
  return good;
}

int cli_check_value(const options_row *row, const char *name, const char *text) {
  options_value value;
  char choices[128];
  if (options_parse(row, text, &value))
    return CLI_OK;
  if (options_too_long(text))
    return cli_usage_error("%s: longer than a path may be", name);
  options_describe_values(row, choices);
  return cli_usage_error("%s=%s: %schoose %s", name, text, options_reason(row, text), choices);
}
