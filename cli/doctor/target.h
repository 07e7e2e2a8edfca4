/* What `arrowpool doctor` looks at: a command that would be started here and now, or a process. */
#ifndef ARROWPOOL_CLI_DOCTOR_TARGET_H
#define ARROWPOOL_CLI_DOCTOR_TARGET_H

#include "cli/doctor/findings.h"
#include "options/options.h"

#include <limits.h>

typedef struct target {
  findings found;
  long pid;                 /* 0: it is a command */
  char **environment;       /* this process's, or that one's */
  char root[64];            /* it stands before its files' names; empty: nothing does */
  char directory[PATH_MAX]; /* where it works */
  options settings;         /* doctor_settings reads them */
  bool knows_environment;   /* if not, it is not ours to see, or: */
  bool overwritten;         /* a title, or something else, was written over it */
} target;

/* Makes an environment with those settings, NAME=VALUE, in place of others of their names; both stay the
 * caller's. The caller frees it by free. Returns NULL if there is no memory. */
char **target_make_environment(char *const environment[], char *const settings[]);

/* Returns a variable of its environment; NULL if it is not set. */
const char *target_variable(const target *t, const char *name);

#endif
