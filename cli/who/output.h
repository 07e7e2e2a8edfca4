/* Where the command writes to. */
#ifndef ARROWPOOL_CLI_WHO_OUTPUT_H
#define ARROWPOOL_CLI_WHO_OUTPUT_H

#include "cli/who/who.h"

typedef void (*who_write)(FILE *out, const who_model *m);

/* Has the model written to stdout, or to a file, which takes its place when it is whole. Returns CLI_OK, or
 * CLI_FAILURE, of a file with a message. */
int who_write_to(const char *path, who_write write, const who_model *m);

#endif
