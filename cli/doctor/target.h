/* What `arrowpool doctor` looks at: a command that would be started here and now, or a process. */
#ifndef ARROWPOOL_CLI_DOCTOR_TARGET_H
#define ARROWPOOL_CLI_DOCTOR_TARGET_H

#include "cli/doctor/findings.h"
#include "options/options.h"

#include <limits.h>

typedef struct target {
  findings found;
  long pid;                 /* 0: a command */
  char **environment;       /* of this process, or of that one */
  char root[64];            /* before its files' names; empty: none */
  char directory[PATH_MAX]; /* where it works */
  options settings;         /* by doctor_settings */
  bool knows_environment;   /* else it is not ours to see, or: */
  bool overwritten;         /* a title, or something else, was written over it */
} target;

/* An environment with those settings, NAME=VALUE, in place of others of their names; both stay the caller's.
 * It is freed by free; NULL: there is no memory. */
char **target_make_environment(char *const environment[], char *const settings[]);

/* A variable of its environment; NULL: not set. */
const char *target_variable(const target *t, const char *name);

#endif
