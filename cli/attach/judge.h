/* Judges whether a process can be attached to, in the doctor's words, before anything is touched. */
#ifndef ARROWPOOL_CLI_ATTACH_JUDGE_H
#define ARROWPOOL_CLI_ATTACH_JUDGE_H

#include "cli/attach/call.h"
#include "cli/attach/subject.h"
#include "cli/doctor/target.h"

/* Adds what it finds to p->found; a problem is why not. Writes into `path`, PATH_MAX, that of the
 * library that is to be loaded, and reads the process into `s`, which holds memory whatever comes out. */
void judge_process(target *p, subject *s, char *path);

#endif
