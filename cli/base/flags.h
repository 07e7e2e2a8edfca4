/* Reads the options of a command, and says what is wrong with its command line: which options there are, what
 * their values may be, and which was meant. One command is read in a process, from flags_begin on. */
#ifndef ARROWPOOL_CLI_BASE_FLAGS_H
#define ARROWPOOL_CLI_BASE_FLAGS_H

#include "cli/base/cli.h"

#include <getopt.h>

typedef struct flag {
  const char *name;   /* without its dashes; NULL: it has a letter only */
  int id;             /* what flags_next returns for it; not '?' */
  const char *values; /* what its value may be, as it follows "choose "; NULL: it takes none */
  bool has_letter;    /* its id is one: -o */
  bool may_lack;      /* its value may be left out, and follows = if not */
} flag;

#define FLAG_ALONE(name, id)                                                                                 \
  { name, id, NULL, false, false }
#define FLAG_VALUE(name, id, values)                                                                         \
  { name, id, values, false, false }
#define FLAG_LETTER(name, id, values)                                                                        \
  { name, id, values, true, false }
#define FLAG_MAY_LACK(name, id, values)                                                                      \
  { name, id, values, false, true }

/* Says which command it is; then which options it has, which live on. At the first argument that is none it
 * stops if `in_order`, and else goes on behind it, as getopt_long does. */
void flags_begin(const cli_command *command);
void flags_declare(const flag *flags, size_t count, bool in_order);
#define FLAGS_DECLARE(flags, in_order) flags_declare(flags, sizeof(flags) / sizeof *(flags), in_order)

/* Returns the id of the next option, with its value in optarg, or -1: optind is where the arguments begin.
 * Returns '?' behind a message if an option is wrong: CLI_USAGE is due. Prints the help and ends the process
 * if that is asked for. */
int flags_next(int argc, char **argv);

/* Each prints a message, and returns CLI_USAGE: an option's value is none that it takes; an argument is
 * missing, as `problem` says; there is one more than the command takes, which `instead` says. */
int flags_refuse(int id, const char *value);
int flags_missing(const char *problem);
int flags_unexpected(const char *argument, const char *instead);

/* Writes "; good.json is the value of --sort" of the last option whose value was a word of its own: it may
 * have been meant as an argument. Writes nothing if there is none. */
enum { FLAGS_VALUE_BYTES = 200 };
const char *flags_last_value(char out[FLAGS_VALUE_BYTES]);

/* Prints the help of a command. */
void flags_print_help(const cli_command *command);

#endif
