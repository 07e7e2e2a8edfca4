/* Reads options by getopt_long, which lets them be abbreviated and stand behind arguments. Its messages are
 * ours: it says neither which options there are nor what their values can be. */
#include "cli/base/flags.h"

#include "cli/base/nearest.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { MOST_FLAGS = 32, MOST_LISTED = 10 };
enum { BY_NAME = 0x100 }; /* is added to the id of an option that is given by its name */

static const cli_command *the_command;
static const flag *the_flags;
static size_t flag_count;
static struct option longs[MOST_FLAGS + 2]; /* --help, and the end */
static char letters[2 * MOST_FLAGS + 4];
static const flag *last_apart; /* the last option whose value was a word of its own */
static const char *last_value; /* that value */

void flags_begin(const cli_command *command) { the_command = command; }

void flags_declare(const flag *flags, size_t count, bool in_order) {
  size_t named = 0;
  char *letter = stpcpy(letters, in_order ? "+:h" : ":h");
  the_flags = flags;
  flag_count = count < MOST_FLAGS ? count : MOST_FLAGS;
  for (const flag *f = flags; f < flags + flag_count; f++) {
    int takes = !f->values ? no_argument : f->may_lack ? optional_argument : required_argument;
    if (f->name)
      longs[named++] = (struct option){f->name, takes, NULL, f->id | BY_NAME};
    if (f->has_letter) {
      *letter++ = (char)f->id;
      *letter++ = ':';
      letter -= !f->values;
    }
    *letter = 0;
  }
  longs[named++] = (struct option){"help", no_argument, NULL, 'h' | BY_NAME};
  longs[named] = (struct option){0};
  opterr = 0;
}

void flags_print_help(const cli_command *command) {
  printf("usage: arrowpool %s %s\n%c%s.\n", command->name, command->arguments, toupper(command->help[0]),
         command->help + 1);
  if (command->describe)
    command->describe();
}

/* ---- what is wrong ---- */

static const flag *find_flag(int id) {
  for (const flag *f = the_flags; f < the_flags + flag_count; f++)
    if (f->id == id)
      return f;
  return NULL;
}

/* Returns the option as a user writes it, in `out`. */
static const char *spell(const flag *f, char out[NEAREST_WORD_BYTES]) {
  if (f->name)
    snprintf(out, NEAREST_WORD_BYTES, "--%s", f->name);
  else
    snprintf(out, NEAREST_WORD_BYTES, "-%c", f->id);
  return out;
}

static const char *nearest_flag(const char *text) {
  char name[NEAREST_WORD_BYTES];
  const char *by_letter = NULL;
  bool is_letter = text[0] == '-' && text[1] != '-';
  text += strspn(text, "-");
  snprintf(name, sizeof name, "%.*s", (int)strcspn(text, "="), text);
  nearest found = nearest_begin(name);
  for (const struct option *o = longs; o->name; o++) {
    nearest_try(&found, o->name);
    if (is_letter && o->name[0] == text[0])
      by_letter = by_letter ? "" : o->name;
  }
  return is_letter && by_letter ? by_letter : nearest_found(&found);
}

static int refuse_unknown(const char *text) {
  const char *name = nearest_flag(text);
  char list[MOST_LISTED * (NEAREST_WORD_BYTES + 4)] = "", word[NEAREST_WORD_BYTES];
  if (name && *name)
    return cli_usage_error("%s: %s: unknown option; the nearest is --%s", the_command->name, text, name);
  if (!flag_count || flag_count > MOST_LISTED)
    return cli_usage_error("%s: %s: unknown option; see arrowpool %s --help", the_command->name, text,
                           the_command->name);
  for (size_t i = 0; i < flag_count; i++) {
    strcat(list, !i ? "" : i + 1 == flag_count ? " or " : ", ");
    strcat(list, spell(&the_flags[i], word));
  }
  return cli_usage_error("%s: %s: unknown option; choose %s", the_command->name, text, list);
}

static int refuse_lack(const flag *f, const char *text, const char *next) {
  if (next)
    return cli_usage_error("%s: %s: needs a value, and %s is none: choose %s", the_command->name, text, next,
                           f->values);
  return cli_usage_error("%s: %s: needs a value: choose %s", the_command->name, text, f->values);
}

int flags_refuse(int id, const char *value) {
  const flag *f = find_flag(id);
  char word[NEAREST_WORD_BYTES];
  return cli_usage_error("%s: %s%s%s: choose %s", the_command->name, spell(f, word), f->name ? "=" : " ",
                         value, f->values);
}

const char *flags_last_value(char out[FLAGS_VALUE_BYTES]) {
  char word[NEAREST_WORD_BYTES];
  *out = 0;
  if (last_apart)
    snprintf(out, FLAGS_VALUE_BYTES, "; %.100s is the value of %s", last_value, spell(last_apart, word));
  return out;
}

int flags_missing(const char *problem) {
  char value[FLAGS_VALUE_BYTES];
  return cli_usage_error("%s: %s%s; see arrowpool %s --help", the_command->name, problem,
                         flags_last_value(value), the_command->name);
}

int flags_unexpected(const char *argument, const char *instead) {
  return cli_usage_error("%s: %s: unexpected: %s", the_command->name, argument, instead);
}

/* ---- the options ---- */

/* Returns whether a word looks like an option: it is hardly the value of the one before it. */
static bool looks_like_flag(const char *word) {
  return word[0] == '-' && (word[1] == '-' || isalpha((unsigned char)word[1]));
}

/* A directory behind an option whose value may be left out is neither a command nor a process. */
static bool is_directory(const char *path) {
  struct stat status;
  return stat(path, &status) == 0 && S_ISDIR(status.st_mode);
}

static int refuse_option(int id, char **argv) {
  char letter[] = {'-', (char)optopt, 0};
  bool is_letter = optopt && !(optopt & BY_NAME); /* a name that is unknown leaves it 0 */
  const flag *f = find_flag(optopt & ~BY_NAME);
  const char *text = is_letter ? letter : argv[optind - 1];
  if (id == ':')
    refuse_lack(f, text, NULL);
  else if (f && !is_letter)
    cli_usage_error("%s: %s: takes no value", the_command->name, text);
  else
    refuse_unknown(text);
  return '?';
}

int flags_next(int argc, char **argv) {
  int id = getopt_long(argc, argv, letters, longs, NULL);
  if (id == -1)
    return id;
  if (id == ':' || id == '?')
    return refuse_option(id, argv);
  id &= ~BY_NAME;
  if (id == 'h') {
    flags_print_help(the_command);
    exit(fflush(stdout) ? CLI_FAILURE : CLI_OK);
  }
  const flag *f = find_flag(id);
  if (f && f->may_lack && !optarg && optind < argc && is_directory(argv[optind])) {
    cli_usage_error("%s: --%s: its value follows a =, as in --%s=%s", the_command->name, f->name, f->name,
                    argv[optind]);
    return '?';
  }
  bool apart = optarg && optarg == argv[optind - 1];
  if (apart && looks_like_flag(optarg)) {
    refuse_lack(f, argv[optind - 2], optarg);
    return '?';
  }
  if (apart) {
    last_apart = f;
    last_value = optarg;
  }
  return id;
}
