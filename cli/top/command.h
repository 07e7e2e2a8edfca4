/* Command lines, made short enough for a column. */
#ifndef ARROWPOOL_CLI_TOP_COMMAND_H
#define ARROWPOOL_CLI_TOP_COMMAND_H

#include "cli/top/model.h"

/* Returns the command line without the directory of its program. */
const char *top_command_title(const top_process *p);

/* Notes of each listed process how many bytes of its title another, different one begins with. */
void top_command_compare(const top_model *m);

/* Writes the title into at most `columns` columns and sizeof out bytes. What does not fit is left out where
 * it tells least: first the directories of the arguments; then the end, or, where another process looks the
 * same up to there, what comes before it. */
void top_command_fit(const top_process *p, int columns, bool unicode, char out[COMMAND_BYTES + 8]);

#endif
