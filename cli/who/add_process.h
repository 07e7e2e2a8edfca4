/* What a profile says of its process. */
#ifndef ARROWPOOL_CLI_WHO_ADD_PROCESS_H
#define ARROWPOOL_CLI_WHO_ADD_PROCESS_H

#include "cli/who/model.h"
#include "cli/who/profile_file.h"

/* Returns the process of a profile at `path`, with the texts of the model. What is to be taken off (`minus`)
 * is a copy of an earlier moment, also if the process still runs. */
who_process who_read_process(who_model *m, const profile_file *f, const char *path, bool minus);

#endif
