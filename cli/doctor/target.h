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
  bool installed;           /* arrowpool was installed in it; its settings are not the environment's */
  bool overwritten;         /* a title, or something else, was written over it */
} target;

#endif
