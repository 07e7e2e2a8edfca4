/* Opening files that somebody else may have made. Only regular files are ever opened: opening a pipe waits,
 * and opening a device can do something. */
#ifndef ARROWPOOL_CLI_BASE_OPEN_REGULAR_H
#define ARROWPOOL_CLI_BASE_OPEN_REGULAR_H

#include <stdio.h>

struct stat;

/* For reading; links are followed. A descriptor, and the file's `status` where that is not NULL; -1:
 * `problem` says in words what is wrong, where that is not NULL. */
int open_regular(const char *path, struct stat *status, const char **problem);

/* The same as a stream; NULL on failure. */
FILE *open_regular_stream(const char *path);

#endif
