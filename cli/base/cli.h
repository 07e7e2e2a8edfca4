/* The commands of `arrowpool`, one file each, and what they share. */
#ifndef ARROWPOOL_CLI_BASE_CLI_H
#define ARROWPOOL_CLI_BASE_CLI_H

#include "options/options.h"

enum { CLI_OK = 0, CLI_FAILURE = 1, CLI_USAGE = 2 };

typedef struct cli_command {
  const char *name, *arguments, *help;
  int (*run)(int argc, char **argv);
  void (*describe)(void); /* prints more for `--help`; it may be NULL */
  const char *alias;      /* another name; NULL: there is none */
} cli_command;

int cli_run(int argc, char **argv);
void cli_run_describe(void);
int cli_attach(int argc, char **argv);
void cli_attach_describe(void);
int cli_env(int argc, char **argv);
int cli_show(int argc, char **argv);
void cli_show_describe(void);
int cli_doctor(int argc, char **argv);
void cli_doctor_describe(void);
int cli_report(int argc, char **argv);
void cli_report_describe(void);
int cli_record(int argc, char **argv);
void cli_record_describe(void);
int cli_path(int argc, char **argv);
void cli_path_describe(void);
int cli_plot(int argc, char **argv);
void cli_plot_describe(void);
int cli_top(int argc, char **argv);
void cli_top_describe(void);
int cli_serve(int argc, char **argv);
void cli_serve_describe(void);
int cli_who(int argc, char **argv);
void cli_who_describe(void);

/* They print "arrowpool: ..." on stderr and return CLI_USAGE or CLI_FAILURE, for the caller to return. */
int cli_usage_error(const char *format, ...) __attribute__((format(printf, 1, 2)));
int cli_failure(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Writes the option's flag of `arrowpool run`, such as "stats-format", into `out`, at least 32 bytes. */
void cli_flag_name(const options_row *row, char *out);

/* Returns the index of the word; -1 if it is none of them. */
int cli_find_word(const char *const words[], size_t count, const char *text);

/* Parses a number from 1 to `most`. Returns false, with `out` untouched, if it is none. */
bool cli_parse_number(const char *text, size_t most, size_t *out);

/* Parse times, in milliseconds: any, or one between refreshes. They return false, with `out` untouched, if it
 * is none. */
enum { CLI_SHORTEST = 100, CLI_LONGEST = 3600000 };
#define CLI_REFRESH_VALUES "a duration from 100ms to 1h, such as 500ms, 1s or 5m"
bool cli_parse_time(const char *text, int64_t *out);
bool cli_parse_refresh(const char *text, int64_t *out);

/* Checks a value. Returns CLI_OK, or CLI_USAGE with a message that starts with `name`=`text`. */
int cli_check_value(const options_row *row, const char *name, const char *text);

#endif
