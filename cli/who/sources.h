/* Finds the profiles that the user names: files, all in directories, and those of processes. */
#ifndef ARROWPOOL_CLI_WHO_SOURCES_H
#define ARROWPOOL_CLI_WHO_SOURCES_H

#include "cli/who/model.h"

typedef struct who_sources {
  who_model *model;
  const char *directory; /* of processes' profiles; NULL: what a process says */
  size_t failed;         /* files, directories and processes that could not be read: a message says so */
} who_sources;

/* Adds what an argument names to the model, or takes it off. Returns false if nothing was, and messages say
 * why. */
bool who_add_source(who_sources *s, const char *argument, bool minus);

#endif
