/* Opens files that somebody else may have made. Only regular files are ever opened: opening a pipe waits, and
 * opening a device can do something. */
#ifndef ARROWPOOL_CLI_BASE_OPEN_REGULAR_H
#define ARROWPOOL_CLI_BASE_OPEN_REGULAR_H

#include <stdio.h>

struct stat;

/* What is wrong with a path that is a directory, as `problem` says it. */
extern const char open_regular_directory[];

/* Opens a file for reading; links are followed. Returns a descriptor, with the file's `status` where that is
 * not NULL; or -1, and `problem`, where that is not NULL, says in words what is wrong. */
int open_regular(const char *path, struct stat *status, const char **problem);

/* Opens it likewise as a stream. Returns NULL on failure. */
FILE *open_regular_stream(const char *path);

#endif
