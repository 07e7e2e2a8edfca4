/* Says in words why a command cannot be started, and what may be meant. */
#ifndef ARROWPOOL_CLI_PROGRAM_EXPLAIN_H
#define ARROWPOOL_CLI_PROGRAM_EXPLAIN_H

#include "cli/program/program.h"

enum { EXPLAIN_BYTES = 1024 };

/* `error` is the errno of exec; `problem` is what program_open found wrong, or NULL, and `p` what it filled
 * in. Returns the words, perhaps in `out`. */
const char *explain_failure(const char *command, int error, const program *p, const char *problem,
                            char out[EXPLAIN_BYTES]);

#endif
