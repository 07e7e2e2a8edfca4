/* Where live files are, for the commands that are given a process instead of a path. */
#ifndef ARROWPOOL_CLI_LIVE_FILES_H
#define ARROWPOOL_CLI_LIVE_FILES_H

#include <stdbool.h>
#include <stddef.h>

/* Whether an argument is the number of a process. */
bool live_files_is_pid(const char *text);

/* ARROW_POOL_LIVE of this environment, else of the environment of the process (`pid` may be NULL). NULL:
 * neither says, or it is not ours to see. May point to `out`. */
const char *live_files_directory(const char *pid, char *out, size_t size);

#endif
