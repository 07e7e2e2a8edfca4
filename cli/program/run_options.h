/* The options of `arrowpool run`, which are those of the option table, and of other commands that take them:
 * each sets the variable of the same name. */
#ifndef ARROWPOOL_CLI_PROGRAM_RUN_OPTIONS_H
#define ARROWPOOL_CLI_PROGRAM_RUN_OPTIONS_H

#include "cli/base/flags.h"

/* Prints what --help says of them. */
void run_options_describe(void);

/* Writes what the command line may have, as ids from 1 on; the caller's own options follow. */
void run_options_declare(flag flags[OPTION_COUNT]);

/* Takes the option with that id, or 'v' for --verbose, and its value in optarg, and notes its name in
 * `given`. Returns CLI_OK, or CLI_USAGE behind a message. */
int run_options_take(int id, const char *given[OPTION_COUNT]);

/* Checks all of them, and what the environment brings along as well: nothing starts with a setting that does
 * not hold. A name that is none of ours may be another's: it is told of, and the command starts. Directories
 * are made as the process would. Returns CLI_OK, or what is due behind a message. */
int run_options_check(const char *const given[OPTION_COUNT]);

#endif
