/* What a reader has to know of how much is missing. */
#ifndef ARROWPOOL_CLI_WHO_NOTES_H
#define ARROWPOOL_CLI_WHO_NOTES_H

#include "cli/who/model.h"

#include <stdio.h>

/* Writes a line for each thing that is missing; nothing if all is there. */
void who_write_notes(FILE *out, const who_model *m);

/* Returns why there are Python frames, or none: "read", "absent", "unknown" or "off". */
const char *who_python_name(profile_python python);

#endif
